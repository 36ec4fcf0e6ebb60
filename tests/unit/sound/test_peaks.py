"""Waveforms against what NumPy says of the whole sound at once."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from earmark.library.sound.peaks import MOST_POINTS, PeakReducer, Peaks


def reduce(samples: np.ndarray, block: int) -> Peaks:
    reducer = PeakReducer(44_100)
    for start in range(0, len(samples), block):
        reducer.push(samples[start : start + block])
    return reducer.finish()


@pytest.mark.parametrize("length", [1, 15, 16, 17, 5000, 262_144, 262_145, 1_000_003])
def test_each_point_holds_the_extremes_of_its_samples(length: int):
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)

    found = reduce(samples, 77_777)

    size = found.samples_per_pixel
    assert len(found.low) == -(-length // size) <= 2 * MOST_POINTS
    stretches = [samples[start : start + size] for start in range(0, length, size)]
    for name, extreme in (("low", np.min), ("high", np.max)):
        expected = np.rint(np.array([extreme(one) for one in stretches]) * 32_767)
        assert np.array_equal(getattr(found, name), expected.astype(np.int16))


def test_the_blocks_in_which_a_sound_comes_make_no_difference():
    samples = np.random.default_rng(0).uniform(-1, 1, 400_000).astype(np.float32)
    one, other = reduce(samples, 400_000), reduce(samples, 999)

    assert one.to_dat(16) == other.to_dat(16)


@pytest.mark.parametrize("points", [1, 7, 100, 8192])
def test_a_coarser_waveform_has_no_more_points_and_loses_no_extreme(points: int):
    samples = np.zeros(300_000, np.float32)
    samples[123_456] = 1.0
    samples[200_000] = -1.0

    found = reduce(samples, 50_000).reduce_to(points)

    assert len(found.low) <= points
    assert (found.low.min(), found.high.max()) == (-32_767, 32_767)
    assert np.flatnonzero(found.high) * found.samples_per_pixel <= 123_456
    assert found.samples_per_pixel * len(found.low) >= 300_000


def test_samples_beyond_full_scale_do_not_wrap_around():
    found = reduce(np.array([3.0, -3.0], np.float32), 2)
    assert (found.low.tolist(), found.high.tolist()) == ([-32_767], [32_767])


def test_the_json_form_is_that_of_audiowaveform():
    found = reduce(np.array([0.5, -0.25] * 16, np.float32), 32).to_json(8)

    assert found == {
        "version": 2,
        "channels": 1,
        "sample_rate": 44_100,
        "samples_per_pixel": 16,
        "bits": 8,
        "length": 2,
        "data": [-32, 64, -32, 64],
    }


def test_the_binary_form_is_that_of_audiowaveform():
    peaks = reduce(np.array([0.5, -0.25] * 16, np.float32), 32)

    eight = peaks.to_dat(8)
    assert struct.unpack("<iIiiIi", eight[:24]) == (2, 1, 44_100, 16, 2, 1)
    assert np.frombuffer(eight[24:], np.int8).tolist() == peaks.to_json(8)["data"]
    sixteen = peaks.to_dat(16)
    assert struct.unpack("<iIiiIi", sixteen[:24]) == (2, 0, 44_100, 16, 2, 1)
    assert Peaks.from_dat(sixteen).to_dat(16) == sixteen
    for wrong in (b"", eight, sixteen[:-1]):
        with pytest.raises(ValueError, match="waveform"):
            Peaks.from_dat(wrong)
