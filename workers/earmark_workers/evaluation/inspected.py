"""What ``inspect`` tells about one sound: a picture, or a page with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark_classifiers.evaluation.sound_picture import ScoreTimes, draw_sound
from earmark_files.paths import display
from earmark_workers.evaluation.documents import inline, render
from earmark_workers.evaluation.listening import WindowTimes
from earmark_workers.evaluation.looking import HIGHEST_RATE, Looked
from earmark_workers.report.progress import format_seconds

MOST_LABELS = 8
LEAST_SCORE = 0.05
"""A label that never reaches this is left out, except the best one."""


@dataclass(frozen=True)
class HeardLabel:
    """A label, its clip score, and where it is clearest, in seconds."""

    name: str
    score: float
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class Inspected:
    """A sound, and what a classifier hears in it if one was asked and could answer."""

    path: Path
    looked: Looked
    times: ScoreTimes | None
    labels: tuple[HeardLabel, ...]
    notes: tuple[str, ...]

    def picture(self) -> bytes:
        """Draw everything as one PNG."""
        return draw_sound(self.looked.sound, self._title(), self.times)

    def page(self) -> bytes:
        """Render the picture with the figures."""
        return render(
            "inspect",
            {
                "name": display(self.path.name),
                "figures": [
                    {"title": title, "value": value} for title, value in self.facts().items()
                ],
                "notes": self.notes,
                "picture": inline(self.picture()),
                "classifier": self.times.classifier if self.times else "",
                "labels": [
                    {
                        "label": one.name,
                        "score": f"{one.score:.2f}",
                        "when": f"{one.start:.1f} to {one.end:.1f} s",
                    }
                    for one in self.labels
                ],
            },
        )

    def facts(self) -> dict[str, str]:
        """Return what the file says, by title."""
        info, sound = self.looked.info, self.looked.sound
        seconds = self.looked.seconds
        return {
            "length": f"{seconds:.2f} s" if seconds < 60 else format_seconds(seconds),
            "sample rate": f"{info.sample_rate} Hz",
            "channels": str(info.channels),
            "format": f"{info.container}, {info.codec}",
            "peak": f"{sound.peak:.1f} dBFS",
            "mean level": f"{sound.rms:.1f} dBFS",
        }

    def _title(self) -> str:
        told = self.facts()
        channels = self.looked.info.channels
        mix = "mono" if channels == 1 else f"{channels} channels, drawn as their mean"
        name = display(self.path.name)
        return f"{name}\n{told['length']} · {told['sample rate']} · {mix} · {told['format']}"


def notes_about(looked: Looked) -> list[str]:
    """Return what a viewer has to know to read the picture."""
    notes = []
    if looked.info.channels > 1:
        notes.append(
            f"The {looked.info.channels} channels are drawn as their mean, which is what the "
            "classifiers hear; sound in opposite phase cancels."
        )
    if looked.info.sample_rate != looked.sound.sample_rate:
        notes.append(
            f"Drawn at {looked.sound.sample_rate} Hz; the file has {looked.info.sample_rate} Hz."
            if looked.info.sample_rate <= HIGHEST_RATE
            else f"Drawn up to {HIGHEST_RATE // 2000} kHz; the file has more, which nobody hears."
        )
    return notes


def summarise(
    classifier: str, names: Sequence[str], heard: WindowTimes
) -> tuple[ScoreTimes, tuple[HeardLabel, ...]]:
    """Pick the labels worth showing, best first.

    Parameters
    ----------
    classifier : str
        Identity.
    names : sequence of str
        Of all labels, in the order of the columns.
    heard : WindowTimes
    """
    order = np.argsort(-heard.pooled, kind="stable")[:MOST_LABELS]
    kept = [place for place in order if heard.pooled[place] >= LEAST_SCORE] or list(order[:1])
    times = ScoreTimes(
        classifier=classifier,
        labels=[names[place] for place in kept],
        starts=heard.starts,
        ends=heard.ends,
        scores=heard.scores[:, kept],
    )
    clearest = heard.scores.argmax(axis=0)
    labels = tuple(
        HeardLabel(
            names[place],
            float(heard.pooled[place]),
            float(heard.starts[clearest[place]]),
            float(heard.ends[clearest[place]]),
        )
        for place in kept
    )
    return times, labels
