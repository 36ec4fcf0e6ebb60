"""The plugin keeps the contract, and its scores are the shares they say they are."""

from __future__ import annotations

from importlib.metadata import entry_points

import numpy as np
import numpy.typing as npt
import pytest
from earmark_plugin_api import AudioClip, cut_windows
from earmark_plugin_api.testing import BoundCheck, parametrize_with_checks

from earmark_plugin_tonal import TonalClassifier
from earmark_plugin_tonal.analysis import energy_shares
from earmark_plugin_tonal.classifier import MANIFEST

RATE = MANIFEST.sample_rate
LENGTH = MANIFEST.window_samples
TONE, NOISE, CLICK, SILENCE = range(4)

Samples = npt.NDArray[np.float32]


@parametrize_with_checks([TonalClassifier])
def test_conformance(check: BoundCheck) -> None:
    check()


def test_the_entry_point_leads_to_the_classifier() -> None:
    (entry,) = entry_points(group="earmark.classifiers", name="tonal")
    assert entry.load() is TonalClassifier


def scaled(samples: npt.NDArray[np.float64], rms: float = 0.1) -> Samples:
    at_level: Samples = (samples * rms / np.sqrt(np.mean(np.square(samples)))).astype(np.float32)
    return at_level


def sine(hertz: float) -> Samples:
    return scaled(np.sin(2 * np.pi * hertz * np.arange(LENGTH) / RATE))


def coloured_noise(exponent: float, seed: int = 0) -> Samples:
    """Noise whose power falls with frequency to the power of `exponent`."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(LENGTH))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-exponent / 2)
    spectrum[0] = 0.0
    return scaled(np.fft.irfft(spectrum, LENGTH))


def impulses(per_second: float) -> Samples:
    samples = np.zeros(LENGTH)
    samples[1000 :: round(RATE / per_second)] = 1.0
    return scaled(samples)


def shares(samples: Samples) -> Samples:
    (only,) = energy_shares(samples[None])
    return np.asarray(only)


@pytest.mark.parametrize("hertz", [60, 100, 440, 1_000, 3_333.3, 7_900])
def test_a_sine_is_tone(hertz: float) -> None:
    assert shares(sine(hertz))[TONE] > 0.98


@pytest.mark.parametrize(("exponent", "at_least"), [(0.0, 0.97), (1.0, 0.95), (2.0, 0.85)])
def test_white_pink_and_brown_noise_are_noise(exponent: float, at_least: float) -> None:
    mean = np.mean([shares(coloured_noise(exponent, seed)) for seed in range(10)], axis=0)
    assert mean[NOISE] > at_least


@pytest.mark.parametrize("per_second", [1, 3, 5])
def test_separate_impulses_are_clicks(per_second: float) -> None:
    assert shares(impulses(per_second))[CLICK] > 0.95


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_the_tone_score_is_the_share_of_the_energy(part: float) -> None:
    mixture = np.sqrt(part) * sine(440) + np.sqrt(1 - part) * coloured_noise(0.0)
    assert shares(mixture.astype(np.float32))[TONE] == pytest.approx(part, abs=0.05)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
def test_the_silence_score_is_the_share_of_the_time(part: float) -> None:
    samples = coloured_noise(0.0)
    samples[: round(part * LENGTH)] = 0.0
    assert shares(samples)[SILENCE] == pytest.approx(part, abs=0.06)


def test_noise_that_starts_and_stays_is_no_click() -> None:
    samples = coloured_noise(0.0)
    samples[: LENGTH // 2] = 0.0
    assert shares(samples)[CLICK] < 0.05


def test_tone_noise_and_click_add_up_to_one_where_something_sounds() -> None:
    mixture = sine(440) + coloured_noise(1.0) + impulses(3)
    assert shares(mixture)[:SILENCE].sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.5, -1.0])
def test_a_constant_is_silence_and_nothing_else(constant: float) -> None:
    silent = shares(np.full(LENGTH, constant, np.float32))
    np.testing.assert_array_equal(silent, [0, 0, 0, 1])


def test_level_does_not_change_what_is_heard() -> None:
    mixture = sine(440) + coloured_noise(0.0)
    np.testing.assert_allclose(shares(mixture), shares(mixture * np.float32(0.03)), atol=1e-4)


def test_a_clip_is_the_mean_of_its_windows() -> None:
    clip = AudioClip(np.concatenate([sine(440)] * 4 + [coloured_noise(0.0)] * 4), RATE)
    classifier = TonalClassifier()
    classifier.load()
    windows = [w.samples for w in cut_windows(clip.samples, MANIFEST.window, RATE)]
    scores = classifier.pool(classifier.predict(np.stack(windows)).scores)
    assert scores[TONE] == pytest.approx(0.5, abs=0.1)
    assert scores[NOISE] == pytest.approx(0.5, abs=0.1)
