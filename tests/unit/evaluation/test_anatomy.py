from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from earmark_classifiers.evaluation.anatomy import (
    BANDS,
    COLUMNS,
    LOWEST_DB,
    POINTS,
    Anatomy,
    Dissection,
    mel_triangles,
)

RATE = 16_000


def dissect(samples: np.ndarray, block: int = 5 * RATE, rate: int = RATE) -> Anatomy:
    dissection = Dissection(rate, len(samples) / rate)
    for start in range(0, len(samples), block):
        dissection.push(samples[start : start + block].astype(np.float32))
    return dissection.finish()


def sine(hertz: float, seconds: float, amplitude: float = 0.5, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def test_a_sine_has_its_level_at_its_frequency() -> None:
    sound = dissect(sine(1000, 3))
    top = sound.spectrum.argmax()
    assert sound.frequencies[top] == pytest.approx(1000, abs=25)
    assert sound.spectrum[top] == pytest.approx(-6.02, abs=0.5)
    assert sound.peak == pytest.approx(-6.02, abs=0.05)
    assert sound.rms == pytest.approx(-9.03, abs=0.05)
    band = sound.log_mel.mean(axis=0).argmax()
    assert sound.mel_hertz[band] == pytest.approx(1000, abs=60)


def test_the_envelope_holds_every_extreme() -> None:
    samples = np.zeros(100_001, np.float32)
    samples[[0, 50_000, 100_000]] = 0.9, -0.8, 0.7
    sound = dissect(samples, block=777)
    assert sound.envelope[0, 1] == np.float32(0.9)
    assert sound.envelope[:, 0].min() == np.float32(-0.8)
    assert sound.envelope[-1, 1] == np.float32(0.7)
    place = sound.envelope[:, 0].argmin() * sound.envelope_seconds
    assert place == pytest.approx(50_000 / RATE, abs=sound.envelope_seconds)


@pytest.mark.parametrize("seconds", [0.5, 7.3, 300])
def test_blocks_of_any_size_give_the_same_anatomy(seconds: float) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)
    whole, pieces = dissect(samples, block=len(samples)), dissect(samples, block=10_007)
    np.testing.assert_array_equal(whole.envelope, pieces.envelope)
    np.testing.assert_allclose(whole.log_mel, pieces.log_mel, atol=1e-6)
    np.testing.assert_allclose(whole.cepstrum, pieces.cepstrum, atol=1e-5)
    np.testing.assert_allclose(whole.spectrum, pieces.spectrum, atol=1e-6)


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 0.1, 1.0, 119.9, 130.0])
def test_columns_cover_the_sound_and_no_more(seconds: float) -> None:
    sound = dissect(sine(440, seconds))
    assert 1 <= len(sound.log_mel) == len(sound.cepstrum) < 2 * COLUMNS
    assert len(sound.envelope) < 2 * POINTS
    for count, each in (
        (len(sound.log_mel), sound.column_seconds), (len(sound.envelope), sound.envelope_seconds),
    ):  # fmt: skip
        assert (count - 1) * each < sound.seconds <= count * each + 1e-9


def test_an_event_is_where_it_happens_in_a_long_sound() -> None:
    samples = np.zeros(400 * RATE, np.float32)
    samples[300 * RATE : 301 * RATE] = sine(2000, 1)
    sound = dissect(samples)
    loud = np.flatnonzero(sound.log_mel.max(axis=1) > -60) * sound.column_seconds
    assert loud.min() == pytest.approx(300, abs=2 * sound.column_seconds)
    assert loud.max() == pytest.approx(301, abs=2 * sound.column_seconds)


def test_silence_is_at_the_lowest_level_everywhere() -> None:
    sound = dissect(np.zeros(RATE, np.float32))
    assert sound.peak == sound.rms == LOWEST_DB
    assert (sound.log_mel == LOWEST_DB).all()
    assert (sound.cepstrum[:, 1:].round(5) == 0).all()


def test_nothing_has_no_anatomy() -> None:
    with pytest.raises(ValueError, match="without samples"):
        Dissection(RATE).finish()


def test_memory_does_not_grow_with_the_length() -> None:
    block = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE).astype(np.float32)

    def peak(blocks: int) -> int:
        dissection = Dissection(RATE, 5.0 * blocks)
        tracemalloc.start()
        for _ in range(blocks):
            dissection.push(block)
        dissection.finish()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(30)  # what is computed once and kept
    assert peak(600) < 1.3 * peak(30)


@pytest.mark.parametrize("rate", [1000, 8000, 44_100, 192_000])
def test_no_band_is_empty_at_any_rate(rate: int) -> None:
    filters = mel_triangles(max(32, round(0.04 * rate)), rate)
    assert filters.shape[1] == BANDS
    assert (filters.sum(axis=0) > 0).all()
