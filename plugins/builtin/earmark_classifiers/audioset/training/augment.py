"""Batches of sounds as they are, altered and mixed: the teacher labels whatever comes out.

Everything works on 5 s at 32 kHz and is drawn from one generator, so a seed fixes a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from earmark_classifiers.audioset.training.corpus import RATE, Corpus
from earmark_classifiers.training.spectra import draw_equaliser, draw_noise

SAMPLES = 5 * RATE


@dataclass(frozen=True, eq=False)
class Sounds:
    """A batch, for the student to hear at full scale and for the teacher as files are.

    Attributes
    ----------
    windows : Tensor
        ``[rows, 160000]`` at 32 kHz, each with a peak of 1; short sounds are repeated.
    levels : ndarray of float32, shape (rows,)
        The peaks of the recordings.
    lengths : ndarray of int64, shape (rows,)
        Samples after which a window repeats itself.
    sources : tuple of (int, int) or None
        Clip and first sample of a row that is as it was recorded; None for an altered one.
    """

    windows: Tensor
    levels: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int64]
    sources: tuple[tuple[int, int] | None, ...]


def draw_batch(
    corpus: Corpus, clips: npt.NDArray[np.int64], rng: np.random.Generator, altered: float
) -> Sounds:
    """Make a training batch of the clips, about a share of `altered` of them altered."""
    changed = rng.random(len(clips)) < altered
    rows = [
        _altered_excerpt(corpus, int(clip), rng) if change else _excerpt(corpus, int(clip), rng)
        for clip, change in zip(clips, changed, strict=True)
    ]
    windows = torch.from_numpy(np.stack([row.samples for row in rows]))
    levels = np.abs(windows.numpy()).max(axis=1)
    lengths = np.array([row.length for row in rows])
    windows = _to_peak(windows)
    places = np.flatnonzero(changed)
    if len(places):
        shaped = _to_peak(_shape_spectrum(windows[places], rng))
        mixed, partners = _mix(shaped, windows, rng)
        lengths[places] = np.maximum(lengths[places], np.where(partners >= 0, lengths[partners], 0))
        windows[places] = _to_peak(_add_noise(mixed, rng))
    return Sounds(windows, levels, lengths, tuple(row.source for row in rows))


@dataclass(frozen=True, eq=False)
class _Row:
    samples: npt.NDArray[np.float32]
    length: int
    source: tuple[int, int] | None = None


def _excerpt(corpus: Corpus, clip: int, rng: np.random.Generator) -> _Row:
    """Cut one of the windows the platform would cut, or repeat the whole clip."""
    samples = corpus.samples(clip)
    if len(samples) <= SAMPLES:
        if rng.random() < 0.5:
            samples = np.roll(samples, rng.integers(len(samples)))
        return _Row(_to_float(np.resize(samples, SAMPLES)), len(samples), (clip, 0))
    begin = min(
        int(rng.integers(math.ceil(len(samples) / SAMPLES))) * SAMPLES, len(samples) - SAMPLES
    )
    return _Row(_to_float(samples[begin : begin + SAMPLES]), SAMPLES, (clip, begin))


def _altered_excerpt(corpus: Corpus, clip: int, rng: np.random.Generator) -> _Row:
    """Cut anywhere, change speed and pitch together, turn some around; or make a sound up."""
    if rng.random() < 0.03:
        return _Row(_synthesise(rng), SAMPLES)
    samples = corpus.samples(clip)
    # Within half an octave to either side.
    speed = 2 ** rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 1.0
    wanted = math.ceil(SAMPLES * speed)
    length = min(SAMPLES, int(len(samples) / speed))
    if len(samples) > wanted:
        begin = rng.integers(len(samples) - wanted)
        part = samples[begin : begin + wanted].astype(np.float32)
    else:
        part = np.resize(samples, wanted).astype(np.float32)
        if rng.random() < 0.5:
            part = np.roll(part, rng.integers(wanted))
    if speed != 1.0:
        places = np.arange(SAMPLES) * ((wanted - 1) / (SAMPLES - 1))
        part = np.interp(places, np.arange(wanted), part).astype(np.float32)
    if rng.random() < 0.1:
        part = part[::-1]
    return _Row(_to_float(part), length)


def _to_float(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def _synthesise(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A tone, sweep, pulse train or noise burst: sounds no recording in the corpus holds."""
    time = np.arange(SAMPLES) / RATE
    low, high = np.exp(rng.uniform(np.log(50), np.log(10_000), 2))
    glide = time / time[-1] * (rng.random() < 0.5)
    sweep = low * (high / low) ** glide
    phase = 2 * np.pi * np.cumsum(sweep) / RATE
    kind = rng.integers(4)
    if kind == 0:
        wave = np.sin(phase)
    elif kind == 1:
        wave = np.sign(np.sin(phase))
    elif kind == 2:
        wave = 2 * ((phase / (2 * np.pi)) % 1) - 1
    else:
        wave = rng.standard_normal(SAMPLES)
    beat = rng.uniform(0.3, 20)
    envelope = np.clip(
        np.sin(2 * np.pi * beat * time) * rng.uniform(1, 20) + rng.uniform(-1, 1), 0, 1
    )
    return (wave * (envelope if rng.random() < 0.7 else 1)).astype(np.float32)


def _shape_spectrum(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Equaliser, band limit and reverberation as one product of spectra."""
    shaped = torch.fft.rfft(batch)
    for row in range(len(batch)):
        if rng.random() < 0.4:
            curve = draw_equaliser(SAMPLES, RATE, rng, highest_cut=8_000)
            shaped[row] *= torch.from_numpy(curve.astype(np.float32))
        if rng.random() < 0.15:
            shaped[row] *= torch.fft.rfft(_room(rng))
    back: Tensor = torch.fft.irfft(shaped, n=SAMPLES)
    return back


def _room(rng: np.random.Generator) -> Tensor:
    """An impulse response: the direct sound and a tail of decaying noise."""
    length = int(RATE * rng.uniform(0.1, 1.5))
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail *= rng.uniform(0.1, 1.0) / np.sqrt((tail**2).sum())
    response = np.zeros(SAMPLES, np.float32)
    response[:length] = tail
    response[0] += 1
    return torch.from_numpy(response)


def _mix(
    batch: Tensor, pool: Tensor, rng: np.random.Generator
) -> tuple[Tensor, npt.NDArray[np.int64]]:
    """Lay a sound of the pool under half of the rows, 15 dB below to 5 dB above; -1 is none."""
    chosen = rng.integers(0, len(pool), len(batch))
    level = 10 ** (rng.uniform(-15, 5, len(batch)) / 20) * (rng.random(len(batch)) < 0.5)
    mixed = batch + pool[chosen] * torch.from_numpy(level.astype(np.float32))[:, None]
    return mixed, np.where(level > 0, chosen, -1)


def _add_noise(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Add noise between white and brown to a fifth of the rows, 5 to 40 dB below."""
    for row in np.flatnonzero(rng.random(len(batch)) < 0.2):
        batch[row] += torch.from_numpy(draw_noise(SAMPLES, rng))
    return batch


def _to_peak(batch: Tensor) -> Tensor:
    return batch / batch.abs().amax(dim=1, keepdim=True).clamp(min=1e-4)
