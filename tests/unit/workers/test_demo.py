"""The demo library is the same everywhere, in many formats, and never overwrites."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from earmark_workers.demo import synthesis
from earmark_workers.demo.library import SOUNDS, write_broken_files, write_demo_library

RATE = 16000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_library(folder)
    return folder


def loudest_frequency(samples: synthesis.Samples, rate: int = RATE) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax() * rate / len(samples))


def test_every_file_is_readable_by_ffmpeg_and_has_the_sound_it_was_made_with(
    library: Path,
) -> None:
    for number, sound in enumerate(SOUNDS):
        with av.open(str(library / sound.name)) as container:
            frames = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
        wanted = len(sound.make(np.random.default_rng(number), sound.rate)) / sound.rate
        assert frames == pytest.approx(wanted, abs=0.1), sound.name


def test_a_second_call_changes_nothing(library: Path) -> None:
    before = {path: path.stat() for path in library.iterdir()}
    assert set(write_demo_library(library)) == set(before)
    for path, stat in before.items():
        assert path.stat().st_mtime_ns == stat.st_mtime_ns
        assert path.stat().st_ino == stat.st_ino


def test_sounds_are_the_same_every_time() -> None:
    for number, sound in enumerate(SOUNDS[:-1]):
        first, second = (sound.make(np.random.default_rng(number), 16000) for _ in range(2))
        assert np.array_equal(first, second), sound.name
        assert first.dtype == np.float32
        assert np.abs(first).max() <= 1.0


def test_names_give_nothing_away() -> None:
    words = ("alarm", "siren", "dial", "busy", "noise", "click", "bell", "bird", "rain", "wind")
    assert not [s.name for s in SOUNDS for word in words if word in s.name.lower()]


def test_broken_files_are_made_on_request_only(library: Path, tmp_path: Path) -> None:
    assert not (library / "not audio.wav").exists()
    assert {path.name for path in write_broken_files(tmp_path)} == {"not audio.wav", "empty.flac"}


def test_a_plucked_string_has_its_pitch_and_dies_away() -> None:
    note = synthesis.pluck(np.random.default_rng(0), 220.0, 2.0, RATE)
    assert loudest_frequency(note[:RATE]) % 220.0 == pytest.approx(0.0, abs=8.0) or (
        loudest_frequency(note[:RATE]) % 220.0 == pytest.approx(220.0, abs=8.0)
    )
    assert np.abs(note[-RATE // 4 :]).max() < 0.3 * np.abs(note[: RATE // 4]).max()


def test_a_busy_tone_is_on_half_the_time() -> None:
    tone = synthesis.busy_tone(4.0, RATE)
    assert np.mean(np.abs(tone) > 1e-3) == pytest.approx(0.5, abs=0.05)


def test_a_siren_sweeps_and_a_dial_tone_does_not() -> None:
    def pitches(sound: synthesis.Samples) -> set[int]:
        return {round(loudest_frequency(part) / 50) for part in np.array_split(sound, 16)}

    assert len(pitches(synthesis.siren(4.0, RATE))) > 5
    assert len(pitches(synthesis.dial_tone(4.0, RATE))) <= 2
