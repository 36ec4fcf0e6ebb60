"""Folders of synthesised sounds, one folder a class, for everything that is trained in tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 32_000
Samples = npt.NDArray[np.float32]


def tone(rng: np.random.Generator, seconds: float = 2.0) -> Samples:
    """A steady sine of a random pitch."""
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * rng.uniform(300, 900) * time)).astype(np.float32)


def hiss(rng: np.random.Generator, seconds: float = 2.0) -> Samples:
    """White noise of a random level."""
    level = rng.uniform(0.05, 0.3)
    return (level * rng.standard_normal(round(seconds * RATE))).astype(np.float32)


def ticks(rng: np.random.Generator, seconds: float = 2.0) -> Samples:
    """Short bursts, a few times a second."""
    samples = 0.001 * rng.standard_normal(round(seconds * RATE))
    for start in range(1000, len(samples) - 400, int(rng.uniform(3000, 5000))):
        samples[start : start + 400] += (
            0.5 * rng.standard_normal(400) * np.exp(-np.arange(400) / 60)
        )
    return samples.astype(np.float32)


def chirp(rng: np.random.Generator, seconds: float = 0.5) -> Samples:
    """A short whistle that rises, like a bird's call."""
    time = np.arange(round(seconds * RATE)) / RATE
    hertz = rng.uniform(2500, 3000) + 2500 * time
    fade = np.sin(np.pi * np.arange(len(time)) / len(time))
    return (0.5 * fade * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)


SOUNDS: dict[str, Callable[[np.random.Generator], Samples]] = {
    "Tone": tone,
    "Hiss": hiss,
    "Ticks": ticks,
}


def write_classes(
    folder: Path,
    count: int,
    sounds: dict[str, Callable[[np.random.Generator], Samples]] = SOUNDS,
    seed: int = 0,
) -> Path:
    """Write `count` sounds of each class into a folder of its own and return `folder`."""
    for number, (name, make) in enumerate(sounds.items()):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            rng = np.random.default_rng([seed, number, index])
            soundfile.write(folder / name / f"{index}.wav", make(rng), RATE, subtype="PCM_16")
    return folder
