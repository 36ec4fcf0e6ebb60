"""A detector streams: an hour costs as much memory as a minute."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark_classifiers.detector import EventRules
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import Label, Manifest, Window, WindowScores
from earmark_workers.detection.listening import listen

RATE = 8_000
RULES = EventRules(threshold=0.5, release=0.3)


class Loudness:
    """Hears what is loud; the smallest classifier there can be."""

    manifest = Manifest(
        name="loudness",
        version="1.0.0",
        labels=(Label("loud", "Loud"),),
        sample_rate=RATE,
        window=Window(3.0, 1.0),
        licence="Apache-2.0",
        description="Hears what is loud.",
    )

    def predict(self, windows: np.ndarray) -> WindowScores:
        peaks = np.abs(windows).max(axis=1, keepdims=True)
        return WindowScores((peaks > 0.5).astype(np.float32))


def write_minutes(path: Path, minutes: int, knocks: tuple[float, ...]) -> Path:
    """Write silence with knocks, a minute at a time."""
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for minute in range(minutes):
            samples = np.zeros(60 * RATE, np.float32)
            for knock in knocks:
                if minute * 60 <= knock < minute * 60 + 60:
                    begin = round((knock - minute * 60) * RATE)
                    samples[begin : begin + 800] = 0.9
            file.write(samples)
    return path


def peak_bytes(path: Path, decoder: GuardedDecoder) -> tuple[int, list[tuple[float, float]]]:
    tracemalloc.start()
    try:
        found = listen(path, Loudness(), RULES, decoder)  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak, [(event.start, event.end) for event in found.events]


def test_an_hour_costs_no_more_memory_than_a_minute(tmp_path: Path) -> None:
    short = write_minutes(tmp_path / "minute.wav", 1, (10.2,))
    long = write_minutes(tmp_path / "hour.wav", 60, (10.2, 1800.0, 3599.5))
    with GuardedDecoder() as decoder:
        little, events = peak_bytes(short, decoder)
        assert events == [(10, 11)]
        much, events = peak_bytes(long, decoder)
    assert events == [(10, 11), (1800, 1801), (3599, 3600)]
    # An hour is 115 MB of samples; three numbers a window are 0.3 MB.
    assert much - little < 2_000_000


def test_a_recording_that_is_cut_short_gets_no_count(tmp_path: Path) -> None:
    whole = write_minutes(tmp_path / "whole.wav", 1, (10.2,))
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:-50_000])
    with GuardedDecoder() as decoder, pytest.raises(AudioFileError):
        listen(cut, Loudness(), RULES, decoder)  # type: ignore[arg-type]


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    path = write_minutes(tmp_path / "minute.wav", 1, ())
    told: list[float] = []
    with GuardedDecoder() as decoder:
        found = listen(path, Loudness(), RULES, decoder, told.append)  # type: ignore[arg-type]
    assert told == sorted(told)
    assert told[-1] == found.seconds == 60
