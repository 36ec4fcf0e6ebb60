"""From the scores of windows to stretches of sound: what is heard from when to when. Pure NumPy.

Windows may overlap, and the last one of a clip usually does. So time is first cut at every start
and end of a window; each piece then counts with the highest score of the windows that hold it:
a label that one window hears may lie anywhere in that window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark.tagging.knowledge.ontology import Ontology, load_ontology, tag_name
from earmark_plugin_api import Label

Floats = npt.NDArray[np.float32]

COVERED = 0.5
"""A label goes where those below it in the ontology cover more than this part of its segment."""

_INSTANT = 1e-3  # seconds: times are kept to the millisecond


class InvalidSegmentRuleError(ValueError):
    """A rule for segments contradicts itself; the message says where."""

    code = "invalid_segment_rule"


@dataclass(frozen=True)
class SegmentRule:
    """When a segment begins and ends.

    Attributes
    ----------
    on, off : float
        A segment holds a score of `on` or more, and reaches as far as scores are `off` or more:
        with one threshold, a score that wavers about it would cut a sound to pieces.
    merge_gap : float
        Segments of one label that are no further apart, in seconds, are one.
    min_length : float
        Shorter segments are left out, in seconds, unless they are all of the clip.

    Raises
    ------
    InvalidSegmentRuleError
        If not 0 < off <= on <= 1, or a length is negative.
    """

    on: float = 0.25
    off: float = 0.15
    merge_gap: float = 0.5
    min_length: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.off <= self.on <= 1.0:
            raise InvalidSegmentRuleError(
                f"the thresholds need 0 < off <= on <= 1, not {self.off} and {self.on}"
            )
        if not (self.merge_gap >= 0.0 and self.min_length >= 0.0):
            raise InvalidSegmentRuleError("gap and length must not be negative")

    @classmethod
    def from_threshold(cls, on: float) -> SegmentRule:
        """Return the rule for segments from a score on; they end where it halves."""
        return cls(on=on, off=on / 2)


@dataclass(frozen=True)
class Segment:
    """A stretch of a clip in which a label is heard.

    Attributes
    ----------
    label_id, label : str
        Id and display name of the label.
    start, end : float
        In seconds.
    score : float
        The highest of a window in it.
    mean : float
        Mean over its time.
    """

    label_id: str
    label: str
    start: float
    end: float
    score: float
    mean: float

    @property
    def name(self) -> str:
        """The label as a tag: as it is written into files."""
        return tag_name(self.label)

    @property
    def length(self) -> float:
        """In seconds."""
        return self.end - self.start


def find_segments(
    starts: Floats,
    ends: Floats,
    scores: Floats,
    labels: Sequence[Label],
    rule: SegmentRule | None = None,
) -> list[Segment]:
    """Find the segments of every label of a clip.

    Parameters
    ----------
    starts, ends : ndarray of float, shape (windows,)
        What each window stands for, in seconds; any order, overlapping or not.
    scores : ndarray of float, shape (windows, labels)
        In [0, 1].
    labels : sequence of Label, length labels
    rule : SegmentRule, optional

    Returns
    -------
    list of Segment
        In order of start, then surest first. Segments of one label do not touch.

    Raises
    ------
    ValueError
        If there is not one start, end and row a window and one column a label.
    """
    if not (starts.shape == ends.shape == scores.shape[:1] and scores.shape[1:] == (len(labels),)):
        raise ValueError(f"{starts.shape} windows do not fit scores of shape {scores.shape}")
    rule = rule or SegmentRule()
    heard = np.flatnonzero(scores.max(axis=0, initial=0.0) >= rule.on)
    if not len(heard):
        return []
    edges, pieces = _cut(starts, ends, scores[:, heard])
    found = []
    for at, column in zip(heard, pieces.T, strict=True):
        found += _segments_of(labels[int(at)], edges, column, rule)
    return sorted(found, key=lambda segment: (segment.start, -segment.score, segment.label_id))


def most_specific_segments(
    segments: Sequence[Segment], ontology: Ontology | None = None
) -> list[Segment]:
    """Leave out what says less: labels that only group others, and labels above others.

    A segment goes where segments of labels below it in the ontology cover most of it: "Animal"
    where "Bark" is heard too, but not for the minute in which only an animal is. Labels that
    AudioSet blacklists go as well: only a person may say them.
    """
    ontology = ontology or load_ontology()
    fit = [
        segment
        for segment in segments
        if not ontology.is_abstract(segment.label_id)
        and not ontology.is_blacklisted(segment.label_id)
    ]
    return [
        segment
        for segment in fit
        if _covered(segment, fit, ontology.descendants(segment.label_id)) <= COVERED
    ]


def _covered(segment: Segment, others: Sequence[Segment], below: frozenset[str]) -> float:
    """Return which part of a segment those of the labels `below` cover together."""
    spans = sorted(
        (max(other.start, segment.start), min(other.end, segment.end))
        for other in others
        if other.label_id in below
    )
    covered, reached = 0.0, segment.start
    for start, end in spans:
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered / max(segment.length, _INSTANT)


def _cut(starts: Floats, ends: Floats, scores: Floats) -> tuple[npt.NDArray[np.float64], Floats]:
    """Cut time at every start and end; returns the cuts, and the scores between them."""
    edges: npt.NDArray[np.float64] = np.unique(
        np.concatenate((starts, ends)).astype(np.float64).round(3)
    )
    order = np.argsort(starts, kind="stable")
    starts, ends, scores = starts[order], ends[order], scores[order]
    middles = (edges[1:] + edges[:-1]) / 2
    first = np.searchsorted(np.maximum.accumulate(ends), middles, side="right")
    last = np.searchsorted(starts, middles, side="right")
    pieces = np.zeros((len(middles), scores.shape[1]), np.float32)
    for at, (middle, low, high) in enumerate(zip(middles, first, last, strict=True)):
        holding = scores[low:high][ends[low:high] > middle]
        pieces[at] = holding.max(axis=0, initial=0.0)
    return edges, pieces


def _segments_of(
    label: Label,
    edges: npt.NDArray[np.float64],
    pieces: Floats,
    rule: SegmentRule,
) -> list[Segment]:
    spans = [
        (first, last)
        for first, last in _runs(pieces >= rule.off)
        if pieces[first:last].max() >= rule.on
    ]
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and edges[first] - edges[merged[-1][1]] <= rule.merge_gap:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    lengths = np.diff(edges)
    whole = edges[-1] - edges[0]
    return [
        Segment(
            label_id=label.id,
            label=label.name,
            start=float(edges[first]),
            end=float(edges[last]),
            score=float(pieces[first:last].max()),
            mean=float(np.average(pieces[first:last], weights=lengths[first:last])),
        )
        for first, last in merged
        if edges[last] - edges[first] >= min(rule.min_length, whole)
    ]


def _runs(wanted: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and one-past-last index of every run of True."""
    changes = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in changes.reshape(-1, 2)]
