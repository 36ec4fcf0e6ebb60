"""Changing sounds so that a network hears more than there is: each change on its own switch.

Changes to waveforms are functions ``(samples, sample_rate, rng) -> samples`` on one float32
array of shape (n,), and keep its length. Mixing works on a batch with its targets, masking on
log-mels. All randomness comes from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from earmark_classifiers.training.errors import TrainingError
from earmark_classifiers.training.spectra import draw_equaliser, draw_noise
from earmark_classifiers.training.stretching import change_speed, stretch_time

Floats = npt.NDArray[np.float32]
Change = Callable[[Floats, int, np.random.Generator], Floats]

MIXUP, SPECTRUM_MASKS = "mixup", "spec-augment"

_SHARE = 0.5
"""Share of the sounds that each change is applied to."""


class UnknownAugmentationError(TrainingError):
    """No augmentation has that name."""

    code = "unknown_augmentation"


def shift_time(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Turn the sound like a loop by a random time."""
    return np.roll(samples, int(rng.integers(len(samples))))


def stretch(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Make it 20 % shorter to 25 % longer at the same pitch; filled up by repeating, or cut."""
    factor = 2 ** rng.uniform(-0.32, 0.32)
    return np.resize(stretch_time(samples, factor), len(samples))


def shift_pitch(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Raise or lower the pitch by up to four semitones at the same speed."""
    factor = 2 ** (rng.uniform(-4, 4) / 12)
    return np.resize(change_speed(stretch_time(samples, factor), factor), len(samples))


def add_noise(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Add noise between white and brown, 5 to 40 dB below the peak."""
    noise = draw_noise(len(samples), rng)
    noisy: Floats = samples + np.abs(samples).max() * noise
    return noisy


def change_gain(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Move the fader from one level to another, each within 12 dB of where it was."""
    begin, end = rng.uniform(-12, 12, 2)
    fader = 10 ** (np.linspace(begin, end, len(samples)) / 20)
    return (samples * fader).astype(np.float32)


def filter_sound(samples: Floats, sample_rate: int, rng: np.random.Generator) -> Floats:
    """Send it through an equaliser of eight bands within 12 dB, now and then through a low-pass."""
    curve = draw_equaliser(len(samples), sample_rate, rng, highest_cut=sample_rate / 2)
    return np.fft.irfft(np.fft.rfft(samples) * curve, n=len(samples)).astype(np.float32)


CHANGES: Mapping[str, Change] = {
    "time-shift": shift_time,
    "time-stretch": stretch,
    "pitch-shift": shift_pitch,
    "filter": filter_sound,
    "gain": change_gain,
    "noise": add_noise,
}
"""Changes to a waveform by name, in the order they are made: noise is not filtered."""

AUGMENTATIONS: tuple[str, ...] = (*CHANGES, MIXUP, SPECTRUM_MASKS)
"""The names of all."""


def require_known(names: Sequence[str]) -> None:
    """Refuse names that no augmentation has.

    Raises
    ------
    UnknownAugmentationError
    """
    unknown = sorted(set(names) - set(AUGMENTATIONS))
    if unknown:
        raise UnknownAugmentationError(
            f"There is no augmentation {', '.join(unknown)}; "
            f"choose from {', '.join(AUGMENTATIONS)}."
        )


def change_sound(
    samples: Floats, sample_rate: int, names: Sequence[str], rng: np.random.Generator
) -> Floats:
    """Apply each of the named changes to a waveform with a chance of one half.

    Silence stays silence.
    """
    if not samples.any():
        return samples
    for name, change in CHANGES.items():
        if name in names and rng.random() < _SHARE:
            samples = change(samples, sample_rate, rng)
    return samples


def mix_up(samples: Floats, targets: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Blend sounds of a batch with another each, and what is in them likewise.

    After Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412, with weights
    drawn from Beta(0.4, 0.4); each sound is brought to a peak of 1 before.

    Parameters
    ----------
    samples : ndarray of float32, shape (batch, n)
    targets : ndarray of float32, shape (batch, classes)

    Returns
    -------
    (ndarray, ndarray)
        New arrays of the same shapes.
    """
    even = samples / np.maximum(np.abs(samples).max(axis=1, keepdims=True), 1e-4)
    weight = rng.beta(0.4, 0.4, (len(samples), 1)).astype(np.float32)
    partner = rng.permutation(len(samples))
    return (
        weight * even + (1 - weight) * even[partner],
        weight * targets + (1 - weight) * targets[partner],
    )


def mask_spectra(logmels: Floats, rng: np.random.Generator) -> Floats:
    """Hide two bands and two stretches of time of each spectrogram behind its mean.

    After Park et al., "SpecAugment", arXiv 1904.08779, without the time warp: up to an eighth of
    the bands and of the frames each.

    Parameters
    ----------
    logmels : ndarray of float32, shape (batch, bands, frames)

    Returns
    -------
    ndarray of float32
        A new array of that shape.
    """
    masked = logmels.copy()
    bands, frames = logmels.shape[1:]
    for row in masked:
        mean = row.mean()
        for _ in range(2):
            begin, length = _stretch_of(bands, rng)
            row[begin : begin + length] = mean
            begin, length = _stretch_of(frames, rng)
            row[:, begin : begin + length] = mean
    return masked


def _stretch_of(size: int, rng: np.random.Generator) -> tuple[int, int]:
    length = int(rng.integers(0, size // 8 + 1))
    return int(rng.integers(0, size - length + 1)), length
