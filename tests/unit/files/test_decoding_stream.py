"""Streaming: the same numbers in blocks of any length, in memory that does not grow."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from earmark_files.decoding import stream
from tests.audio_factory import Tone, write_samples, write_tone

NOISE = np.random.default_rng(3)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_stream_equals_resampling_all_at_once(rate: int, tmp_path: Path) -> None:
    samples = 0.3 * NOISE.standard_normal((rate * 7 + 123, 3))
    path = tmp_path / "noise.wav"
    write_samples(path, samples, rate, format="WAV", subtype="FLOAT")
    stored, _ = soundfile.read(path, dtype="float32")
    expected = soxr.resample(stored.mean(axis=1), rate, 16_000, quality="HQ")

    streamed = np.concatenate(list(stream(path, sample_rate=16_000)))

    assert len(streamed) == len(expected)
    np.testing.assert_allclose(streamed, expected, atol=2e-6)


@pytest.mark.parametrize("name", ["wav-16", "wav-24", "opus", "m4a", "flac-24"])
def test_length_of_blocks_does_not_change_the_numbers(name: str, tmp_path: Path) -> None:
    path = write_tone(tmp_path, name, Tone(7.3, 48000, 2))
    whole = np.concatenate(list(stream(path, sample_rate=16_000, block_seconds=60.0)))

    for seconds in (0.0001, 0.37, 5.0):
        blocks = list(stream(path, sample_rate=16_000, block_seconds=seconds))
        assert {len(block) for block in blocks[:-1]} <= {max(1, round(16_000 * seconds))}
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_blocks_are_owned_contiguous_float32(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-f32", Tone(3.0, 16000, 1))
    blocks = list(stream(path, sample_rate=16_000, block_seconds=1.0))

    for block in blocks:
        assert block.dtype == np.float32
        assert block.flags.c_contiguous
        assert block.ndim == 1
    first = blocks[0].copy()
    blocks[1][:] = 9.0
    np.testing.assert_array_equal(blocks[0], first)


def test_equal_rates_leave_samples_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ramp.wav"
    stored = np.arange(-32768, 32767, 7, dtype=np.int16)
    soundfile.write(path, stored, 16_000, subtype="PCM_16")

    decoded = np.concatenate(list(stream(path, sample_rate=16_000)))

    np.testing.assert_array_equal(decoded, stored.astype(np.float32) / 32768)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 5, 8])
def test_mono_is_the_mean_of_all_channels(subtype: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    samples = NOISE.uniform(-0.9, 0.9, (5000, channels))
    write_samples(path, samples, 16_000, format="WAV", subtype=subtype)
    stored, _ = soundfile.read(path, dtype="float64", always_2d=True)

    decoded = np.concatenate(list(stream(path, sample_rate=16_000)))

    np.testing.assert_allclose(decoded, stored.mean(axis=1), atol=1e-6)


def test_stream_can_be_left_early(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-16", Tone(30.0, 8000, 1))

    with stream(path, sample_rate=16_000, block_seconds=1.0) as blocks:
        assert len(next(blocks)) == 16_000
    assert list(blocks) == []


def test_rates_that_give_no_samples_are_refused(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-16", Tone())
    with pytest.raises(ValueError, match="at least one sample"):
        stream(path, sample_rate=16_000, block_seconds=0.00001)


def write_long_rf64(path: Path, hours: float, bits: int) -> None:
    """Write silence of 16 kHz with a second of tone at its end, as a sparse file."""
    width = bits // 8
    frames = round(hours * 3600) * 16_000
    size = frames * width
    values = (Tone(1.0, 16_000, 1).samples()[:, 0] * 32767).astype("<i2")
    tone = np.zeros((len(values), width), np.uint8)
    tone[:, -2:] = values[:, None].view(np.uint8)  # the two upper bytes of each sample
    fmt = struct.pack("<HHIIHH", 1, 1, 16_000, 16_000 * width, width, bits)
    ds64 = struct.pack("<QQQI", size + 72, size, frames, 0)
    unknown = b"\xff\xff\xff\xff"
    with path.open("wb") as file:
        file.write(b"RF64" + unknown + b"WAVE" + b"ds64" + struct.pack("<I", len(ds64)) + ds64)
        file.write(b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + unknown)
        file.seek(size - tone.size, 1)
        file.write(tone.tobytes())


_MEASURE = """
import resource, sys
import numpy as np
from earmark_files.decoding import stream
count, energy = 0, 0.0
for block in stream(sys.argv[1], sample_rate=8_000):
    count, energy = count + len(block), float(np.square(block).sum())
print(count, energy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


# One through libsndfile, one through FFmpeg.
@pytest.mark.parametrize(("bits", "long"), [(16, 10), (24, 4)])
def test_hours_take_no_more_memory_than_ten_minutes(bits: int, long: int, tmp_path: Path) -> None:
    peaks = []
    for hours in (1 / 6, long):
        path = tmp_path / f"{hours:.2f}.wav"
        write_long_rf64(path, hours, bits)
        answer = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        count, energy, peak_kib = answer.stdout.split()
        assert int(count) == round(hours * 3600) * 8_000
        assert float(energy) == pytest.approx(0.6**2 / 2 * 8_000, rel=0.02), "the end was reached"
        peaks.append(int(peak_kib))
        path.unlink()

    assert peaks[1] - peaks[0] < 8_000


def test_importing_the_package_loads_no_decoder() -> None:
    code = (
        "import sys, earmark_files.decoding, earmark_files.guard, earmark_files.walk\n"
        "print(sorted({'av', 'soundfile', 'soxr', 'torch', 'django'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"
