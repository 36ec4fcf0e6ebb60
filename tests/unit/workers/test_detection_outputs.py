"""What `earmark detect` prints for people."""

from __future__ import annotations

import io
from pathlib import Path

from earmark_classifiers.detector import Event
from earmark_workers.detection.listening import Detections
from earmark_workers.detection.outputs import Recording, TextOutput


def test_times_are_clock_times_also_next_to_a_full_minute_or_hour() -> None:
    stream = io.StringIO()
    events = (Event(59.94, 59.97, 0.9), Event(3599.96, 3661.5, 0.8))
    recording = Recording(Path("dawn.wav"), Path("dawn.wav"))
    TextOutput(stream, "robin").found(recording, Detections(4000.0, events))
    assert stream.getvalue() == (
        "dawn.wav: 2 × robin\n    0:00:59.9 - 0:01:00.0  0.90\n    1:00:00.0 - 1:01:01.5  0.80\n"
    )
