"""What a detector found, written for people and for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from earmark_classifiers.detector import Event, audacity_labels, raven_table
from earmark_files.errors import AudioFileError
from earmark_files.paths import display
from earmark_workers.detection.listening import Detections


@dataclass(frozen=True)
class Recording:
    """A file to listen to.

    Attributes
    ----------
    path : Path
    name : Path
        Relative to the folder that was asked for: where its tables go.
    problem : AudioFileError or None
        Why it cannot be listened to, where that is known before it is opened.
    """

    path: Path
    name: Path
    problem: AudioFileError | None = None


class Output(Protocol):
    """Where results go."""

    def found(self, recording: Recording, detections: Detections) -> None:
        """Write what was found in a recording."""
        ...

    def failed(self, recording: Recording, error: AudioFileError) -> None:
        """Write that a recording could not be read."""
        ...


class TextOutput:
    """A line a recording, and a line an event, for people."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream, self._label = stream, label

    def found(self, recording: Recording, detections: Detections) -> None:
        """See `Output`."""
        count = len(detections.events)
        self._stream.write(f"{display(str(recording.path))}: {count} × {self._label}\n")
        for event in detections.events:
            self._stream.write(
                f"    {_clock(event.start)} - {_clock(event.end)}  {event.score:.2f}\n"
            )

    def failed(self, recording: Recording, error: AudioFileError) -> None:
        """Say nothing here: the command does, on standard error."""


class CsvOutput:
    """A row an event; a recording without events has no row."""

    COLUMNS = ("path", "label", "start", "end", "score")

    def __init__(self, stream: TextIO, label: str) -> None:
        self._writer, self._label = csv.writer(stream, lineterminator="\n"), label
        self._writer.writerow(self.COLUMNS)

    def found(self, recording: Recording, detections: Detections) -> None:
        """See `Output`."""
        path = display(str(recording.path))
        for event in detections.events:
            times = (f"{event.start:.3f}", f"{event.end:.3f}")
            self._writer.writerow([path, self._label, *times, f"{event.score:.4f}"])

    def failed(self, recording: Recording, error: AudioFileError) -> None:
        """Say nothing here: the command does, on standard error."""


class JsonOutput:
    """One JSON object a recording, with its count."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream, self._label = stream, label

    def found(self, recording: Recording, detections: Detections) -> None:
        """See `Output`."""
        self._write(
            {
                "path": display(str(recording.path)),
                "label": self._label,
                "seconds": round(detections.seconds, 3),
                "count": len(detections.events),
                "events": [_as_json(event) for event in detections.events],
            }
        )

    def failed(self, recording: Recording, error: AudioFileError) -> None:
        """See `Output`."""
        told = {"code": error.code, "message": error.message}
        self._write({"path": display(str(recording.path)), "error": told})

    def _write(self, values: dict[str, Any]) -> None:
        self._stream.write(json.dumps(values, ensure_ascii=False) + "\n")


class TableFolder:
    """A folder of tables, one for each recording, under the recording's name and folders.

    A recording without events gets an empty table: it was heard, and nothing was found.
    """

    def __init__(self, folder: Path, suffix: str, table: Callable[[Detections], str]) -> None:
        self._folder, self._suffix, self._table = folder, suffix, table

    def found(self, recording: Recording, detections: Detections) -> None:
        """See `Output`."""
        target = self._folder / recording.name.with_name(recording.name.name + self._suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        partial.write_text(self._table(detections), "utf-8")
        partial.replace(target)

    def failed(self, recording: Recording, error: AudioFileError) -> None:
        """Leave no table: there is no result."""


def audacity_folder(folder: Path, label: str) -> TableFolder:
    """Write label tracks ``<recording>.labels.txt``."""
    return TableFolder(folder, ".labels.txt", lambda found: audacity_labels(found.events, label))


def raven_folder(folder: Path, label: str, high_hertz: float) -> TableFolder:
    """Write selection tables ``<recording>.selections.txt``."""
    return TableFolder(
        folder,
        ".selections.txt",
        lambda found: raven_table(found.events, label, high_hertz),
    )


def _as_json(event: Event) -> dict[str, float]:
    return {
        "start": round(event.start, 3),
        "end": round(event.end, 3),
        "score": round(event.score, 4),
    }


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(round(10 * seconds), 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{tenths / 10:04.1f}"
