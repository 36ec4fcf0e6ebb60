"""What several classifiers say about one file, as one list of labels with one score each.

Labels of different classifiers are the same where they share an AudioSet id. A classifier of
the 41 labels of the Freesound challenge 2018 has no such ids: a committed table gives them. The
classes of a user's own classifier stand alone, even where one happens to be called like a label
of AudioSet: nobody but that user knows what was meant by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from earmark.tagging.knowledge.ontology import load_ontology
from earmark.tagging.knowledge.policy import Combine, TagPolicy
from earmark.tagging.knowledge.tables import read_table
from earmark_plugin_api import Label

PackedScore = Sequence[float | None]
"""``[position, score, start, end]``: a label's position in the vocabulary, its score in [0, 1],
and the seconds of the window that speaks most for it, or None."""


class UncalibratedError(ValueError):
    """The mean was asked for of scores that do not mean the same."""

    code = "uncalibrated_classifier"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one classifier says about a label.

    Attributes
    ----------
    classifier : str
        Identity, such as ``audioset@1.1``.
    score : float
        In [0, 1].
    start, end : float or None
        Seconds of the window that speaks most for it.
    """

    classifier: str
    score: float
    start: float | None = None
    end: float | None = None

    def __str__(self) -> str:
        where = (
            ""
            if self.start is None or self.end is None
            else f" at {self.start:.1f}-{self.end:.1f} s"
        )
        return f"{self.classifier} {self.score:.2f}{where}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label with the score that the policy makes of all votes.

    Attributes
    ----------
    label : Label
        With AudioSet's id wherever it has one.
    score : float
        In [0, 1].
    votes : tuple of Vote
        In the order of the classifiers.
    """

    label: Label
    score: float
    votes: tuple[Vote, ...]


@dataclass(frozen=True)
class Voice:
    """A classifier as the rules see it.

    Attributes
    ----------
    identity : str
    labels : tuple of Label
        Its vocabulary in the order of the score columns, joined with AudioSet's.
    calibrated : bool
        Whether its scores are probabilities.
    """

    identity: str
    labels: tuple[Label, ...]
    calibrated: bool = False

    @cached_property
    def known(self) -> frozenset[str]:
        """Ids of its labels."""
        return frozenset(label.id for label in self.labels)


def voice_of(identity: str, labels: Sequence[Label], *, calibrated: bool = False) -> Voice:
    """Return a classifier as the rules see it, its labels joined with AudioSet's."""
    ontology, challenge = load_ontology(), _challenge_ids()
    is_challenge = bool(labels) and all(label.name in challenge for label in labels)
    joined = []
    for label in labels:
        node = ontology.get(challenge[label.name]) if is_challenge else None
        joined.append(Label(node.id, node.name) if node else label)
    return Voice(identity, tuple(joined), calibrated)


def check_voices(voices: Sequence[Voice], policy: TagPolicy) -> None:
    """Make sure that a policy can be applied to what these classifiers say.

    Raises
    ------
    UncalibratedError
        If it wants the mean and a classifier's scores are not calibrated.
    """
    wrong = [voice.identity for voice in voices if not voice.calibrated]
    if policy.combine is Combine.MEAN and len(voices) > 1 and wrong:
        raise UncalibratedError(
            f"The policy takes the mean of calibrated scores, and those of {wrong[0]} are not "
            "calibrated. Choose max, agreement or cascade, or leave that classifier out."
        )


def candidates_of(
    opinions: Sequence[tuple[Voice, Sequence[PackedScore]]], policy: TagPolicy
) -> list[Candidate]:
    """Combine what classifiers say about a file.

    Parameters
    ----------
    opinions : sequence of (Voice, packed scores)
        In the order of the classifiers, highest scores first. A label that a classifier knows
        and that is not among its scores has none worth keeping, and counts as 0.
    policy : TagPolicy

    Returns
    -------
    list of Candidate
        Those whose score can lead to anything, highest first, then by id.
    """
    floor = policy.floor
    if len(opinions) == 1:
        voice, scores = opinions[0]
        merged = [
            Candidate(voice.labels[int(row[0] or 0)], _score(row), (_vote(voice, row),))
            for row in scores
            if _score(row) >= floor
        ]
    else:
        merged = [one for one in _merge(opinions, policy) if one.score >= floor]
    merged.sort(key=lambda one: (-one.score, one.label.id))
    return merged


def _merge(
    opinions: Sequence[tuple[Voice, Sequence[PackedScore]]], policy: TagPolicy
) -> Iterable[Candidate]:
    labels: dict[str, Label] = {}
    rows: list[dict[str, PackedScore]] = []
    for voice, scores in opinions:
        own: dict[str, PackedScore] = {}
        for row in scores:
            label = voice.labels[int(row[0] or 0)]
            labels.setdefault(label.id, label)
            own.setdefault(label.id, row)
        rows.append(own)
    for label_id, label in labels.items():
        votes = [
            _vote(voice, own[label_id]) if label_id in own else Vote(voice.identity, 0.0)
            for (voice, _), own in zip(opinions, rows, strict=True)
            if label_id in voice.known
        ]
        heeded = _heeded(votes, policy)
        yield Candidate(label, _combined(heeded, policy.combine), tuple(heeded))


def _heeded(votes: list[Vote], policy: TagPolicy) -> list[Vote]:
    """Return the votes that count: all, or in a cascade those up to the first that is sure."""
    if policy.combine is not Combine.CASCADE:
        return votes
    for number, vote in enumerate(votes, start=1):
        if not policy.review <= vote.score < policy.sure:
            return votes[:number]
    return votes


def _combined(votes: Sequence[Vote], combine: Combine) -> float:
    scores = [vote.score for vote in votes]
    if combine is Combine.MEAN:
        return sum(scores) / len(scores)
    if combine is Combine.AGREEMENT:
        return sorted(scores)[-2:][0]
    return scores[-1] if combine is Combine.CASCADE else max(scores)


def _score(row: PackedScore) -> float:
    return row[1] or 0.0


def _vote(voice: Voice, row: PackedScore) -> Vote:
    return Vote(voice.identity, _score(row), row[2], row[3])


@lru_cache(maxsize=1)
def _challenge_ids() -> dict[str, str]:
    """Return AudioSet's ids of the 41 challenge labels, by their name."""
    return {row["label"]: row["id"] for row in read_table("challenge41.csv")}
