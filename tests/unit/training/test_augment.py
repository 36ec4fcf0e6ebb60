"""Each augmentation changes what it should, keeps what it should, and follows from its seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from earmark_classifiers.training.augment import (
    AUGMENTATIONS,
    CHANGES,
    UnknownAugmentationError,
    change_gain,
    change_sound,
    mask_spectra,
    mix_up,
    require_known,
    shift_time,
)
from earmark_classifiers.training.stretching import change_speed, stretch_time

RATE = 16_000
Floats = npt.NDArray[np.float32]


def tone(hertz: float = 1000.0, seconds: float = 1.0) -> Floats:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def pitch(samples: Floats) -> float:
    """Hertz of the strongest partial."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("length", [1, 2, 300, 16_000])
def test_a_change_keeps_length_and_type_and_makes_no_nonsense(name: str, length: int):
    samples = np.random.default_rng(1).uniform(-1, 1, length).astype(np.float32)
    before = samples.copy()

    changed = CHANGES[name](samples, RATE, np.random.default_rng(2))

    assert changed.shape == samples.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert np.array_equal(samples, before)
    if length == 16_000:
        assert not np.allclose(changed, samples, atol=1e-3)


@pytest.mark.parametrize("name", CHANGES)
def test_the_seed_decides_the_change(name: str):
    once, again, other = (
        CHANGES[name](tone(), RATE, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_shift_moves_the_sound_and_loses_nothing_of_it():
    samples = np.arange(100, dtype=np.float32)
    shifted = shift_time(samples, RATE, np.random.default_rng(0))
    assert sorted(shifted) == sorted(samples)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_stretching_changes_the_length_and_not_the_pitch(factor: float):
    stretched = stretch_time(tone(1000), factor)

    assert len(stretched) == round(RATE * factor)
    inside = stretched[1000:-1000]
    assert pitch(inside) == pytest.approx(1000, rel=0.01)
    assert np.abs(inside).max() == pytest.approx(0.5, rel=0.1)


def test_stretching_by_one_changes_nothing():
    samples = (tone(440) + tone(1234)).astype(np.float32)
    assert stretch_time(samples, 1.0)[600:-600] == pytest.approx(samples[600:-600], abs=1e-4)


def test_a_faster_sound_is_shorter_and_higher():
    faster = change_speed(tone(1000), 2.0)
    assert len(faster) == RATE // 2
    assert pitch(faster) == pytest.approx(2000, rel=0.01)


def test_pitch_shifts_stay_within_four_semitones_and_keep_the_length():
    heard = [
        pitch(CHANGES["pitch-shift"](tone(1000), RATE, np.random.default_rng(seed)))
        for seed in range(20)
    ]
    assert min(heard) >= 1000 * 2 ** (-4.3 / 12)
    assert max(heard) <= 1000 * 2 ** (4.3 / 12)
    assert max(heard) / min(heard) > 1.2


def test_noise_lies_5_to_40_dB_below_the_sound():
    for seed in range(20):
        noisy = CHANGES["noise"](tone(), RATE, np.random.default_rng(seed))
        level = 20 * np.log10(np.abs(noisy - tone()).max() / np.abs(tone()).max())
        assert -40.1 <= level <= -4.9


def test_the_fader_stays_within_12_dB():
    ones = np.ones(1000, np.float32)
    for seed in range(20):
        faded = 20 * np.log10(change_gain(ones, RATE, np.random.default_rng(seed)))
        assert np.abs(faded).max() <= 12.01
        assert len({*np.sign(np.diff(faded))}) == 1


def test_the_filter_changes_the_balance_of_low_and_high():
    white = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    balances = []
    for seed in range(10):
        spectrum = np.abs(np.fft.rfft(CHANGES["filter"](white, RATE, np.random.default_rng(seed))))
        balances.append(spectrum[:2000].mean() / spectrum[-2000:].mean())
    assert max(balances) / min(balances) > 2


def test_only_the_named_changes_are_made_and_about_half_of_the_time():
    rng = np.random.default_rng(0)
    assert np.array_equal(change_sound(tone(), RATE, (), rng), tone())
    assert np.array_equal(change_sound(tone(), RATE, ("mixup", "spec-augment"), rng), tone())
    gains = [change_sound(tone(), RATE, ("gain",), rng) for _ in range(200)]
    same = sum(np.array_equal(changed, tone()) for changed in gains)
    assert 60 < same < 140


def test_silence_stays_silence():
    silence = np.zeros(RATE, np.float32)
    for seed in range(10):
        changed = change_sound(silence, RATE, AUGMENTATIONS, np.random.default_rng(seed))
        assert not changed.any()


def test_mixup_blends_sounds_and_what_is_in_them_alike():
    samples = np.stack([tone(500), 0.1 * tone(2000)]).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)

    mixed, blended = mix_up(samples, targets, np.random.default_rng(3))

    assert blended.sum(axis=1) == pytest.approx([1, 1])
    for row, target in zip(mixed, blended, strict=True):
        spectrum = np.abs(np.fft.rfft(row))
        partials = np.array([spectrum[500], spectrum[2000]])
        assert partials / partials.sum() == pytest.approx(target, abs=0.01)


def test_masks_hide_bands_and_frames_behind_the_mean():
    spectra = np.random.default_rng(0).standard_normal((4, 64, 300)).astype(np.float32)

    masked = mask_spectra(spectra, np.random.default_rng(1))

    changed = masked != spectra
    assert changed.any(axis=(1, 2)).all()
    assert changed.mean() < 0.5
    for row, hidden, before in zip(masked, changed, spectra, strict=True):
        assert row[hidden] == pytest.approx(before.mean(), abs=1e-6)


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(UnknownAugmentationError, match=r"no augmentation echo.*time-shift"):
        require_known(("noise", "echo"))
    require_known(AUGMENTATIONS)
