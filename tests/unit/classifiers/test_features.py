"""The classic features: known signals, independent computations, silence, scale, shapes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from scipy.fft import dct

from earmark_classifiers.features import (
    MID_TERM_NAMES,
    SHORT_TERM_DELTA_NAMES,
    SHORT_TERM_NAMES,
    FrameSpec,
    mid_term_features,
    short_term_features,
)
from earmark_classifiers.features.cepstrum import mel_filters
from earmark_plugin_api import InvalidInputError

RATE = 16_000
FRAME = 800
Samples = npt.NDArray[np.float32]


def sine(hertz: float, seconds: float = 1.0, rate: int = RATE, level: float = 0.5) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def noise(seconds: float = 1.0, level: float = 0.1) -> Samples:
    rng = np.random.default_rng(3)
    return (level * rng.standard_normal(round(seconds * RATE))).astype(np.float32)


def described(samples: Samples, rate: int = RATE) -> dict[str, npt.NDArray[np.float32]]:
    """Frames by the name of the feature."""
    values = short_term_features(samples, rate)
    return dict(zip(SHORT_TERM_DELTA_NAMES, values.T, strict=True))


def test_there_are_34_features_68_with_deltas_and_136_of_a_window() -> None:
    assert (len(SHORT_TERM_NAMES), len(SHORT_TERM_DELTA_NAMES), len(MID_TERM_NAMES)) == (
        34,
        68,
        136,
    )
    assert len(set(MID_TERM_NAMES)) == 136
    # 50 ms frames every 25 ms: the 39th is the last that lies within one second.
    assert short_term_features(noise(), RATE).shape == (39, 68)
    assert short_term_features(noise(), RATE, deltas=False).shape == (39, 34)
    assert mid_term_features(noise(), RATE).shape == (1, 136)


@pytest.mark.parametrize("hertz", [200, 1000, 3000, 6000])
def test_a_sine_has_its_frequency_for_centroid_rolloff_and_crossings(hertz: int) -> None:
    heard = described(sine(hertz))
    nyquist = RATE / 2
    assert heard["spectral_centroid"] == pytest.approx(hertz / nyquist, abs=0.02)
    assert heard["spectral_rolloff"] == pytest.approx(hertz / nyquist, abs=0.005)
    assert heard["zero_crossing_rate"] == pytest.approx(hertz / nyquist, abs=0.002)
    assert heard["energy"] == pytest.approx(0.125, rel=1e-3)
    assert heard["spectral_spread"].max() < 0.05


def test_white_noise_is_centred_flat_and_wide() -> None:
    heard = described(noise(10.0))
    assert heard["spectral_centroid"].mean() == pytest.approx(0.5, abs=0.01)
    # A uniform distribution over [0, 1] has the standard deviation 1 / sqrt(12).
    assert heard["spectral_spread"].mean() == pytest.approx(12**-0.5, abs=0.01)
    assert heard["spectral_rolloff"].mean() == pytest.approx(0.9, abs=0.02)
    assert heard["zero_crossing_rate"].mean() == pytest.approx(0.5, abs=0.01)
    assert heard["spectral_entropy"].mean() == pytest.approx(np.log2(10), abs=0.05)


@pytest.mark.parametrize(
    ("hertz", "name"), [(440.0, "A"), (880.0, "A"), (523.25, "C"), (1567.98, "G"), (739.99, "F#")]
)
def test_the_chroma_of_a_note_is_its_pitch_class(hertz: float, name: str) -> None:
    # 44.1 kHz and 0.2 s: bins of 5 Hz, narrower than a semitone at each of these pitches.
    values = short_term_features(sine(hertz, rate=44_100), 44_100, FrameSpec(0.2, 0.1))
    columns = [i for i, feature in enumerate(SHORT_TERM_NAMES) if feature.startswith("chroma_")]
    chroma = values[:, columns[:12]]
    strongest = {SHORT_TERM_NAMES[columns[i]] for i in chroma.argmax(axis=1)}
    assert strongest == {f"chroma_{name}"}
    assert chroma.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    deviation = SHORT_TERM_NAMES.index("chroma_deviation")
    assert values[:, deviation] == pytest.approx(chroma.std(axis=1), abs=1e-6)


def test_entropy_of_energy_tells_sudden_from_steady() -> None:
    click = np.zeros(RATE, np.float32)
    click[405::400] = 0.9
    assert described(click)["energy_entropy"].max() < 1.1
    assert described(sine(1000))["energy_entropy"] == pytest.approx(np.log2(10), abs=0.01)


def test_flux_is_large_where_the_spectrum_changes_and_nowhere_else() -> None:
    flux = described(np.concatenate((sine(500), sine(4000))))["spectral_flux"]
    assert flux[0] == 0
    assert int(flux.argmax()) in (39, 40)  # frames 38 and 39 hold both halves of the signal
    steady = np.delete(flux, [38, 39, 40])
    assert steady.max() < flux.max() / 50


def naive_frame_features(frame: npt.NDArray[np.float64]) -> dict[str, float]:
    """The formulas once more, sample by sample and in double precision."""
    signs = [value >= 0 for value in frame]
    crossings = sum(a != b for a, b in pairwise(signs))
    length = len(frame)
    windowed = frame * (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(length) / (length - 1)))
    bins = np.arange(1, length // 2 + 1)
    basis = np.exp(-2j * np.pi * bins[:, None] * np.arange(length) / length)
    amplitudes = np.abs(basis @ windowed)
    shares, where = amplitudes / amplitudes.sum(), bins / len(bins)
    centroid = sum(s * w for s, w in zip(shares, where, strict=True))
    spread = sum(s * (w - centroid) ** 2 for s, w in zip(shares, where, strict=True)) ** 0.5
    return {
        "zero_crossing_rate": crossings / (length - 1),
        "energy": sum(v * v for v in frame) / length,
        "energy_entropy": naive_entropy(frame**2),
        "spectral_centroid": centroid,
        "spectral_spread": spread,
        "spectral_entropy": naive_entropy(amplitudes**2),
        "spectral_rolloff": (
            np.searchsorted(np.cumsum(amplitudes**2), 0.9 * (amplitudes**2).sum()) + 1
        )
        / len(bins),
    }


def naive_entropy(powers: npt.NDArray[np.float64]) -> float:
    blocks = [part.sum() for part in np.split(powers, 10)]
    return -sum(b / sum(blocks) * np.log2(b / sum(blocks)) for b in blocks)


def test_shapes_agree_with_a_computation_sample_by_sample() -> None:
    samples = noise() * np.linspace(0.1, 1, RATE, dtype=np.float32) + sine(700, level=0.05)
    heard = described(samples)
    for index in (0, 7, 38):
        frame = samples[index * 400 : index * 400 + FRAME].astype(np.float64)
        for name, value in naive_frame_features(frame).items():
            assert heard[name][index] == pytest.approx(value, rel=2e-4, abs=1e-6), name


def test_mfcc_agree_with_scipys_cosine_transform() -> None:
    samples = noise()
    frame = samples[:FRAME].astype(np.float64)
    window = np.hamming(FRAME)
    amplitudes = np.abs(np.fft.rfft(frame * window))[1:] * 2 / window.sum()
    bands = np.log10(amplitudes @ mel_filters(FRAME, RATE).astype(np.float64) + 1e-8)
    expected = dct(bands, type=2, norm="ortho")[:13]
    column = SHORT_TERM_NAMES.index("mfcc_1")
    heard = short_term_features(samples, RATE)[0, column : column + 13]
    assert heard == pytest.approx(expected, abs=1e-4)


def test_mel_filters_are_slaneys() -> None:
    filters = mel_filters(FRAME, RATE)
    assert filters.shape == (400, 40)
    hertz = np.arange(1, 401) * 20.0
    centres = hertz[filters.argmax(axis=0)]
    assert centres[:3] == pytest.approx([200, 266.7, 333.3], abs=20)
    assert centres[-1] == pytest.approx(933.3 * 1.0711703**28, abs=20)
    assert (filters.sum(axis=0) * 20)[10:] == pytest.approx(1.0, abs=0.1)  # unit area


def test_deltas_are_differences_and_summaries_are_mean_and_deviation() -> None:
    values = short_term_features(noise(3.0), RATE)
    assert values[0, 34:] == pytest.approx(0)
    assert values[1:, 34:] == pytest.approx(values[1:, :34] - values[:-1, :34])
    summary = mid_term_features(noise(3.0), RATE, window_seconds=1.0)
    assert summary.shape == (3, 136)
    assert summary[1, :68] == pytest.approx(values[40:80].mean(axis=0), abs=1e-4)
    assert summary[1, 68:] == pytest.approx(values[40:80].std(axis=0), abs=1e-4)
    # The last window ends with the last frame, whatever the step.
    assert summary[2, :68] == pytest.approx(values[-40:].mean(axis=0), abs=1e-4)


def test_only_energy_and_the_first_mfcc_know_the_level() -> None:
    loud = noise() + sine(440, level=0.3)
    quiet = loud * np.float32(0.1)
    a, b = described(loud), described(quiet)
    assert b["energy"] == pytest.approx(a["energy"] / 100, rel=1e-3)
    assert a["mfcc_1"] - b["mfcc_1"] == pytest.approx(np.sqrt(40), abs=0.05)
    for name in SHORT_TERM_NAMES:
        if name not in ("energy", "mfcc_1"):
            assert b[name] == pytest.approx(a[name], abs=0.02), name


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE, np.float32),
        np.full(RATE, 0.5, np.float32),
        np.full(RATE, 1e-38, np.float32),
        np.resize(np.array([1, -1], np.float32), RATE),
        np.eye(1, RATE, RATE // 2, dtype=np.float32)[0],
        np.float32(100) * noise(),
    ],
    ids=["silence", "constant", "denormal", "nyquist", "impulse", "over full scale"],
)
def test_extreme_sounds_have_finite_features(samples: Samples) -> None:
    values = mid_term_features(samples, RATE)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_silence_has_no_features_but_the_floor_of_the_cepstrum() -> None:
    heard = described(np.zeros(RATE, np.float32))
    for name, values in heard.items():
        if name != "mfcc_1":
            assert values == pytest.approx(0, abs=1e-4), name
    assert heard["mfcc_1"] == pytest.approx(-8 * np.sqrt(40), rel=1e-4)


def test_many_waveforms_at_once_give_what_each_gives_alone() -> None:
    batch = np.stack((noise(), sine(440), np.zeros(RATE, np.float32)))
    together = mid_term_features(batch, RATE)
    assert together.shape == (3, 1, 136)
    for row, samples in zip(together, batch, strict=True):
        assert row == pytest.approx(mid_term_features(samples, RATE), abs=1e-4)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_features_of_a_sine_do_not_depend_on_the_rate(rate: int) -> None:
    heard = described(sine(1000, rate=rate), rate)
    assert heard["spectral_centroid"] * rate / 2 == pytest.approx(1000, rel=0.15)
    assert heard["zero_crossing_rate"] * rate / 2 == pytest.approx(1000, rel=0.03)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(FRAME - 1, np.float32),
        np.zeros(RATE, np.float64),
        np.full(RATE, np.nan, np.float32),
        np.zeros(0, np.float32),
    ],
    ids=["shorter than a frame", "float64", "nan", "nothing"],
)
def test_what_is_no_waveform_is_refused(samples: Samples) -> None:
    with pytest.raises(InvalidInputError):
        short_term_features(samples, RATE)


def test_lengths_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        FrameSpec(seconds=0)
    with pytest.raises(InvalidInputError):
        mid_term_features(noise(), RATE, window_seconds=0)
