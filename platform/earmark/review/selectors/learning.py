"""What decided items teach about labels: how right they are, and better thresholds.

How much a decided item counts:

- One of the calibration slice stands for the accepted tags: the slice is a random part
  (`CALIBRATION_SHARE`) of them, looked at in random order, so each one stands for
  ``slice / decided / CALIBRATION_SHARE`` tags.
- One of the review band stands for its like: every such tag is in the queue, but those near the
  threshold come first. Within a step of the score (`STEPS` of them from 0 to 1) the order says
  nothing about who is right, so each one stands for ``waiting and decided / decided`` tags.
- Conflicts and blacklisted labels count for nothing here: no threshold decides about them.

Copies of one recording are one sound.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import Count, F, QuerySet
from django.db.models.functions import Floor

from earmark.library.models import Library
from earmark.review.candidates import CALIBRATION_SHARE
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.opinions import RIGHT, SAYS
from earmark.review.statistics import (
    Agreement,
    Judged,
    Share,
    Suggestion,
    agreement,
    precision_at,
    recall_at,
    suggest_threshold,
)
from earmark.tagging.selectors import get_policy
from earmark_plugin_api import Label

STEPS = 20
"""Steps of the score within which items of the review band count alike."""

Who: TypeAlias = tuple[str, str]
"""A label and the classifier that gave the scores."""

_THRESHOLDED = [ReviewItem.Kind.BAND, ReviewItem.Kind.CALIBRATION]
_JUDGED = [ReviewItem.Verdict.RIGHT, ReviewItem.Verdict.WRONG]


@dataclass(frozen=True)
class LabelReport:
    """What reviewers found about a label of a classifier.

    Attributes
    ----------
    label, classifier : str
    right, wrong, unsure : int
        Numbers of decided items, as they are.
    threshold : float
        From which score on the policy accepts the label.
    precision, recall : Share
        At that threshold; recall among the tags that anybody was asked about.
    agreement : Agreement
        Of those items that two reviewers have judged.
    """

    label: str
    classifier: str
    right: int
    wrong: int
    unsure: int
    threshold: float
    precision: Share
    recall: Share
    agreement: Agreement


@dataclass(frozen=True)
class LabelThreshold:
    """A threshold for a label of a classifier, or why none is suggested."""

    label: str
    classifier: str
    threshold: float
    suggestion: Suggestion


def get_label_reports(
    *, items: ReviewItemQuerySet, library: Library | None = None
) -> list[LabelReport]:
    """Return what was found about each label that somebody has decided about, by label.

    Parameters
    ----------
    items : queryset of ReviewItem
        Those that count.
    library : Library, optional
        Whose policy says what the threshold is; by default the default policy.
    """
    verdicts: dict[tuple[Who, str], int] = {}
    mids: dict[Who, str] = {}
    decided = items.filter(state=ReviewItem.State.DECIDED)
    rows = decided.order_by().values_list("label", "classifier", "mid", "verdict")
    for label, classifier, mid, verdict, number in rows.annotate(Count("pk")):
        verdicts[(label, classifier), verdict] = number
        mids[label, classifier] = mid
    judged, pairs, policy = _judged(items), _pairs(items), get_policy(library=library)
    reports = []
    for who, mid in sorted(mids.items()):
        threshold, _ = policy.threshold_of(Label(mid, who[0]))
        own = judged.get(who, [])
        right, wrong, unsure = (
            verdicts.get((who, verdict), 0) for verdict in ReviewItem.Verdict.values
        )
        reports.append(
            LabelReport(
                *who,
                right,
                wrong,
                unsure,
                threshold,
                precision_at(own, threshold),
                recall_at(own, threshold),
                agreement(pairs.get(who, [])),
            )
        )
    return reports


def get_thresholds(
    *, items: ReviewItemQuerySet, precision: float, library: Library | None = None
) -> list[LabelThreshold]:
    """Return for each label with decisions the threshold that surely gives a precision, by label.

    Parameters
    ----------
    items : queryset of ReviewItem
        Those that count.
    precision : float
        In (0, 1).
    library : Library, optional
        As for `get_label_reports`.
    """
    policy = get_policy(library=library)
    rows = items.filter(state=ReviewItem.State.DECIDED, kind__in=_THRESHOLDED).order_by()
    mids = {(row[0], row[1]): row[2] for row in rows.values_list("label", "classifier", "mid")}
    judged = _judged(items)
    return [
        LabelThreshold(
            *who,
            policy.threshold_of(Label(mid, who[0]))[0],
            suggest_threshold(judged.get(who, []), precision=precision),
        )
        for who, mid in sorted(mids.items())
    ]


def _judged(items: ReviewItemQuerySet) -> dict[Who, list[Judged]]:
    """Return the decided items of each label with their weights."""
    labels = items.filter(state=ReviewItem.State.DECIDED, verdict__in=_JUDGED).order_by()
    known = items.exclude(state=ReviewItem.State.OUTDATED).filter(
        kind__in=_THRESHOLDED, label__in=list(labels.values_list("label", flat=True).distinct())
    )
    stepped = known.order_by().annotate(step=Floor(F("score") * STEPS))
    population: dict[Any, int] = defaultdict(int)
    counted = stepped.values_list("label", "classifier", "kind", "step")
    for label, classifier, kind, step, number in counted.annotate(
        Count("audio_hash", distinct=True)
    ):
        population[_stratum(label, classifier, kind, step)] += number
    strata: dict[Any, dict[str, tuple[float, bool]]] = defaultdict(dict)
    decided = stepped.filter(state=ReviewItem.State.DECIDED, verdict__in=_JUDGED).values_list(
        *("label", "classifier", "kind", "step", "audio_hash", "score", "verdict")
    )
    for label, classifier, kind, step, audio, score, verdict in decided.order_by("-pk"):
        right = verdict == ReviewItem.Verdict.RIGHT
        strata[_stratum(label, classifier, kind, step)][audio] = score, right
    judged: dict[Who, list[Judged]] = defaultdict(list)
    for stratum, found in strata.items():
        label, classifier, kind, _ = stratum
        weight = population[stratum] / len(found)
        if kind == ReviewItem.Kind.CALIBRATION:
            weight /= CALIBRATION_SHARE
        judged[label, classifier] += [
            Judged(score, right, weight) for score, right in found.values()
        ]
    return judged


def _stratum(label: str, classifier: str, kind: str, step: float) -> tuple[str, str, str, int]:
    """Return which decided items count alike."""
    return label, classifier, kind, int(step) if kind == ReviewItem.Kind.BAND else 0


def _pairs(items: ReviewItemQuerySet) -> dict[Who, list[tuple[bool, bool]]]:
    """Return what two reviewers said about the same items, by label: the first two to answer.

    The one whose name comes first is the first of the pair.
    """
    said: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    of: dict[int, Who] = {}
    for item, label, classifier, reviewer, action in _firm_opinions(items).values_list(
        *("item", "label", "classifier", "reviewer", "action")
    ):
        said[item].append((reviewer, SAYS[action] == RIGHT))
        of[item] = label, classifier
    pairs: dict[Who, list[tuple[bool, bool]]] = defaultdict(list)
    for item, answers in said.items():
        if len(answers) > 1:
            one, two = sorted(answers[:2])
            pairs[of[item]].append((one[1], two[1]))
    return pairs


def _firm_opinions(items: ReviewItemQuerySet) -> QuerySet[Decision]:
    several = items.filter(opinions__gt=1).values("pk")
    firm = [action for action, says in SAYS.items() if says in (RIGHT, "wrong")]
    return Decision.objects.standing().filter(item__in=several, action__in=firm).order_by("pk")
