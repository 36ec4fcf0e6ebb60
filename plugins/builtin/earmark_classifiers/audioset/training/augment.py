"""Batches of altered and mixed sounds: the teacher labels whatever comes out.

Everything works on 5 s at 32 kHz and is drawn from one generator, so a seed fixes a batch.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from earmark_classifiers.audioset.training.corpus import RATE, Corpus

SAMPLES = 5 * RATE
_BINS = SAMPLES // 2 + 1


def draw_batch(corpus: Corpus, clips: npt.NDArray[np.int64], rng: np.random.Generator) -> Tensor:
    """Make a training batch: ``[len(clips), 160000]`` at 32 kHz, each row with a peak of 1."""
    rows = [_synthesise(rng) if rng.random() < 0.03 else _excerpt(corpus, c, rng) for c in clips]
    batch = torch.from_numpy(np.stack(rows))
    batch = _to_peak(_shape_spectrum(batch, rng))
    batch = _mix(batch, rng)
    return _to_peak(_add_noise(batch, rng))


def to_student_rate(batch: Tensor) -> Tensor:
    """Halve the rate from 32 to 16 kHz with a steep low-pass, by discarding spectrum."""
    half = torch.fft.rfft(batch)[:, : _BINS // 2 + 1]
    taper = torch.ones(half.shape[1])
    edge = int(len(taper) * 7_400 / 8_000)
    fall = torch.linspace(0, math.pi, len(taper) - edge)
    taper[edge:] = 0.5 + 0.5 * torch.cos(fall)
    halved: Tensor = torch.fft.irfft(half * taper, n=SAMPLES // 2) / 2
    return halved


def _excerpt(corpus: Corpus, clip: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    samples = corpus.samples(clip)
    # Speed and pitch together, within half an octave to either side.
    speed = 2 ** rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 1.0
    wanted = math.ceil(SAMPLES * speed)
    if len(samples) > wanted:
        begin = rng.integers(len(samples) - wanted)
        part = samples[begin : begin + wanted].astype(np.float32)
    elif rng.random() < 0.75:
        part = np.resize(samples, wanted).astype(np.float32)
        if rng.random() < 0.5:
            part = np.roll(part, rng.integers(wanted))
    else:
        part = np.zeros(wanted, np.float32)
        begin = rng.integers(wanted - len(samples) + 1)
        part[begin : begin + len(samples)] = samples
    if speed != 1.0:
        places = np.arange(SAMPLES) * ((wanted - 1) / (SAMPLES - 1))
        part = np.interp(places, np.arange(wanted), part).astype(np.float32)
    if rng.random() < 0.1:
        part = part[::-1].copy()
    return (part / 32768).astype(np.float32)


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
    hertz = np.linspace(0, RATE / 2, _BINS)
    for row in range(len(batch)):
        if rng.random() < 0.4:
            points = np.geomspace(50, RATE / 2, 8)
            gains = rng.uniform(-12, 12, 8)
            curve = 10 ** (np.interp(hertz, points, gains) / 20)
            if rng.random() < 0.3:
                curve *= 1 / np.sqrt(1 + (hertz / rng.uniform(1_500, 8_000)) ** 8)
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


def _mix(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Lay a second sound of the batch under half of the rows, 15 dB below to 5 dB above."""
    partner = batch.roll(int(rng.integers(1, len(batch))), 0)
    level = 10 ** (rng.uniform(-15, 5, len(batch)) / 20) * (rng.random(len(batch)) < 0.5)
    return batch + partner * torch.from_numpy(level.astype(np.float32))[:, None]


def _add_noise(batch: Tensor, rng: np.random.Generator) -> Tensor:
    """Add noise between white and brown to a fifth of the rows, 5 to 40 dB below."""
    slope = np.arange(1, _BINS + 1, dtype=np.float64)
    for row in np.flatnonzero(rng.random(len(batch)) < 0.2):
        white = rng.standard_normal(_BINS) + 1j * rng.standard_normal(_BINS)
        noise = np.fft.irfft(white * slope ** -rng.uniform(0, 1), n=SAMPLES)
        noise *= 10 ** (-rng.uniform(5, 40) / 20) / np.abs(noise).max()
        batch[row] += torch.from_numpy(noise.astype(np.float32))
    return batch


def _to_peak(batch: Tensor) -> Tensor:
    return batch / batch.abs().amax(dim=1, keepdim=True).clamp(min=1e-4)
