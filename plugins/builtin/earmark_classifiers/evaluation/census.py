"""What a set of labelled sounds is like, and what is wrong with it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from earmark_classifiers.evaluation.judging import number

SHORTEST_SECONDS = 0.1
"""Shorter sounds are a click to any classifier."""

FEW_CLIPS = 20
"""With fewer clips of a class its figures mean little: one clip more or less is 5 points."""

UNTRAINABLE_RECORDINGS = 2
"""With fewer recordings nothing is left to try what was learnt on."""


@dataclass(frozen=True)
class ClipFacts:
    """What was found out about one sound.

    Attributes
    ----------
    name : str
        Path text.
    labels : tuple of str
    group : str
        Clips of one recording share one.
    seconds, sample_rate, channels, peak
        Length, hertz, number, highest absolute sample; 0 where it could not be read.
    identity : str
        Equal for equal sound, whatever the tags; empty where it could not be read.
    code, message : str
        Why it could not be read; empty if it could.
    """

    name: str
    labels: tuple[str, ...]
    group: str
    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    peak: float = 0.0
    identity: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Problem:
    """Something a person may want to put right.

    Attributes
    ----------
    code : str
        ``unreadable``, ``silent``, ``too_short``, ``duplicate``, ``contradiction``,
        ``untrainable_class`` or ``small_class``.
    message : str
        What it is and what to do.
    names : tuple of str
        Path texts of the sounds, or the name of the class.
    """

    code: str
    message: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class ClassCensus:
    """One class: its clips, their recordings, and the sound in them that could be read."""

    label: str
    clips: int
    recordings: int
    seconds: float


@dataclass(frozen=True)
class Census:
    """All there is to say about a set."""

    facts: tuple[ClipFacts, ...]
    classes: tuple[ClassCensus, ...]
    problems: tuple[Problem, ...]

    @property
    def readable(self) -> list[ClipFacts]:
        """The sounds that could be read."""
        return [fact for fact in self.facts if not fact.code]

    def as_json(self) -> dict[str, Any]:
        """Return everything in plain values."""
        seconds = [fact.seconds for fact in self.readable]
        return {
            "clips": len(self.facts),
            "readable": len(seconds),
            "seconds": number(sum(seconds)),
            "durations": {
                name: number(np.quantile(seconds, share)) if seconds else None
                for name, share in (("shortest", 0), ("median", 0.5), ("longest", 1))
            },
            "sample_rates": _counted(fact.sample_rate for fact in self.readable),
            "channels": _counted(fact.channels for fact in self.readable),
            "classes": [
                {
                    "label": found.label,
                    "clips": found.clips,
                    "recordings": found.recordings,
                    "seconds": number(found.seconds),
                }
                for found in self.classes
            ],
            "problems": [
                {"code": found.code, "message": found.message, "names": list(found.names)}
                for found in self.problems
            ],
        }


def take_census(facts: Sequence[ClipFacts], labels: Sequence[str], silence: float) -> Census:
    """Sum up a set of sounds.

    Parameters
    ----------
    facts : sequence of ClipFacts
    labels : sequence of str
        All classes, those without sounds too.
    silence : float
        Peak below which a sound is silent.
    """
    classes = tuple(_count(label, facts) for label in labels)
    problems = [*_clip_problems(facts, silence), *_copies(facts), *_class_problems(classes)]
    return Census(tuple(facts), classes, tuple(problems))


def _count(label: str, facts: Sequence[ClipFacts]) -> ClassCensus:
    mine = [fact for fact in facts if label in fact.labels and not fact.code]
    return ClassCensus(
        label, len(mine), len({fact.group for fact in mine}), sum(fact.seconds for fact in mine)
    )


def _clip_problems(facts: Sequence[ClipFacts], silence: float) -> list[Problem]:
    found = []
    for fact in facts:
        if fact.code:
            found.append(Problem("unreadable", f"{fact.message} [{fact.code}]", (fact.name,)))
        elif fact.peak < silence:
            found.append(
                Problem("silent", "Never louder than -70 dBFS; take it out.", (fact.name,))
            )
        elif fact.seconds < SHORTEST_SECONDS:
            said = f"Only {fact.seconds:.3f} s long, a click to any classifier; take it out."
            found.append(Problem("too_short", said, (fact.name,)))
    return found


def _copies(facts: Sequence[ClipFacts]) -> list[Problem]:
    by_identity: defaultdict[str, list[ClipFacts]] = defaultdict(list)
    for fact in facts:
        if fact.identity:
            by_identity[fact.identity].append(fact)
    found = []
    for same in by_identity.values():
        if len(same) < 2:
            continue
        names = tuple(fact.name for fact in same)
        labels = {fact.labels for fact in same}
        if len(labels) > 1:
            said = ", ".join(sorted({label for fact in same for label in fact.labels}))
            message = f"The same sound has different classes ({said}); keep the right one."
            found.append(Problem("contradiction", message, names))
        else:
            message = f"The same sound {len(same)} times; it counts as one recording."
            found.append(Problem("duplicate", message, names))
    return found


def _class_problems(classes: Iterable[ClassCensus]) -> list[Problem]:
    found = []
    for one in classes:
        if one.recordings < UNTRAINABLE_RECORDINGS:
            message = (
                f"{one.recordings} readable recording(s): none is left to try what was learnt on; "
                f"{UNTRAINABLE_RECORDINGS} are needed at least."
            )
            found.append(Problem("untrainable_class", message, (one.label,)))
        elif one.clips < FEW_CLIPS:
            message = f"{one.clips} clips: its figures will mean little; {FEW_CLIPS} are better."
            found.append(Problem("small_class", message, (one.label,)))
    return found


def _counted(values: Iterable[int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}
