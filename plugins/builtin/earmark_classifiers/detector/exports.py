"""Events as files other programs open: Audacity label tracks, Raven selection tables, CSV rows."""

from __future__ import annotations

from collections.abc import Sequence

from earmark_classifiers.detector.events import Event

RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Score",
    "Species",
)
"""The first seven are what Raven Pro and Raven Lite need; it keeps further ones as annotations."""


def audacity_labels(events: Sequence[Event], label: str) -> str:
    """Return a label track: start, end and label a line, tab-separated, times in seconds.

    Source: Audacity manual, "Importing and Exporting Labels". Audacity: File, Import, Labels.
    """
    return "".join(
        f"{event.start:.6f}\t{event.end:.6f}\t{_plain(label)} {event.score:.2f}\n"
        for event in events
    )


def raven_table(events: Sequence[Event], label: str, high_hertz: float) -> str:
    """Return a selection table as Raven opens it: tab-separated, one selection a row.

    Source: Cornell Lab of Ornithology, "Raven Pro User's Manual", selection tables.

    Parameters
    ----------
    events : sequence of Event
    label : str
        Name of the sound.
    high_hertz : float
        Upper edge of the boxes. A detector of windows knows no frequencies, so they span all
        that it hears.
    """
    rows = ["\t".join(RAVEN_COLUMNS)]
    for number, event in enumerate(events, 1):
        times = f"{event.start:.6f}\t{event.end:.6f}"
        box = f"Spectrogram 1\t1\t{times}\t0.0\t{high_hertz:.1f}"
        rows.append(f"{number}\t{box}\t{event.score:.4f}\t{_plain(label)}")
    return "\n".join(rows) + "\n"


def _plain(label: str) -> str:
    """Return the label without what would end its column or line."""
    return " ".join(label.split())
