"""Which tags of a file a person is asked about, and how urgently. Pure functions.

Chance is reproducible here: whether a tag is in a sample follows from its audio and its label
alone, so that the same tags are in it on every machine and after every derivation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

from earmark.review.models import ReviewItem
from earmark.review.ranking import LEVELS
from earmark.tagging.knowledge import Decision, Origin, TagPolicy, Why
from earmark.tagging.knowledge.tags import STANDS_IN, Rule
from earmark_plugin_api import Label

CALIBRATION_SHARE = 0.05
"""Share of accepted labels that is looked at all the same."""

DOUBLE_SHARE = 0.1
"""Share of items that two reviewers are asked about, without seeing each other's answer."""

_KINDS = {
    Rule.CONTRADICTS: ReviewItem.Kind.CONFLICT,
    Rule.BLACKLISTED: ReviewItem.Kind.BLACKLISTED,
}


@dataclass(frozen=True, slots=True)
class TagRow:
    """A stored tag, as far as it matters here; fields as in `earmark.tagging.models.Tag`."""

    name: str
    confidence: float
    decision: str
    label: str
    mid: str
    origin: str
    why: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag to ask about; all but `urgency` as in `ReviewItem`."""

    FIELDS: ClassVar[tuple[str, ...]] = (
        *("name", "label", "mid", "classifier", "score", "kind", "wanted"),
    )

    name: str
    label: str
    mid: str
    classifier: str
    score: float
    kind: str
    urgency: int
    wanted: int


def find_candidates(
    tags: Iterable[TagRow], *, audio_hash: str, policy: TagPolicy
) -> Iterator[Candidate]:
    """Yield the tags of a file that a person is to be asked about.

    All that wait for review, and of the accepted labels a random slice. Words that only follow
    from a label, such as its synonyms, are as right as the label is.
    """
    for tag in tags:
        why = Why.from_dict(tag.why)
        if tag.decision == Decision.REVIEW:
            kind = _KINDS.get(why.rule, ReviewItem.Kind.BAND)
        elif _is_label(tag, why) and _drawn(audio_hash, tag, "calibration") < CALIBRATION_SHARE:
            kind = ReviewItem.Kind.CALIBRATION
        else:
            continue
        yield Candidate(
            name=tag.name,
            label=tag.label,
            mid=tag.mid,
            classifier=why.best.classifier,
            score=tag.confidence,
            kind=kind,
            urgency=_urgency(tag, kind, audio_hash, policy),
            wanted=2 if _drawn(audio_hash, tag, "double") < DOUBLE_SHARE else 1,
        )


def _is_label(tag: TagRow, why: Why) -> bool:
    """Say whether an accepted tag is a label itself; as `DerivedTag.is_label`."""
    own = tag.origin == Origin.CLASSIFIER and why.rule is not Rule.OTHER_NAME
    return tag.decision == Decision.ACCEPT and (own or why.rule in STANDS_IN)


def _urgency(tag: TagRow, kind: str, audio_hash: str, policy: TagPolicy) -> int:
    """Return a level below `LEVELS`: how far the score is from where the policy would flip."""
    if kind == ReviewItem.Kind.CONFLICT:
        return 0  # two sources say different things, whatever the score
    if kind == ReviewItem.Kind.CALIBRATION:
        # Spread over all levels by chance: in whatever order people work, what they have done of
        # the slice is a random part of it.
        return int(LEVELS * _drawn(audio_hash, tag, "turn"))
    threshold, _ = policy.threshold_of(Label(tag.mid, tag.label))
    floor = min(policy.review, threshold)
    room = threshold - floor if tag.confidence < threshold else 1.0 - threshold
    distance = abs(tag.confidence - threshold) / room if room else 0.0
    return min(LEVELS - 1, int(LEVELS * distance))


def _drawn(audio_hash: str, tag: TagRow, purpose: str) -> float:
    """Return a number in [0, 1) that looks random and is always the same."""
    text = "\0".join((purpose, audio_hash, tag.mid or tag.label))
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big") / (1 << 56)
