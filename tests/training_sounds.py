"""Three classes of synthesised sounds with awkward names, for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.audio_factory import write_samples

RATE = 16_000
Samples = npt.NDArray[np.float32]


def low_tone(rng: np.random.Generator, seconds: float) -> Samples:
    """A tone between 150 and 400 Hz."""
    return _tone(rng.uniform(150, 400), seconds)


def high_tone(rng: np.random.Generator, seconds: float) -> Samples:
    """A tone between 2 and 5 kHz."""
    return _tone(rng.uniform(2_000, 5_000), seconds)


def noise(rng: np.random.Generator, seconds: float) -> Samples:
    """White noise."""
    return (0.2 * rng.standard_normal(round(seconds * RATE))).clip(-1, 1).astype(np.float32)


CLASSES = {"Brummen/tief": low_tone, "Pfeife ♪": high_tone, "Rauschen": noise}
"""Names with a slash and beyond ASCII; folders have an underscore for the slash."""


def make_classes(root: Path, per_class: int = 8, seconds: float = 1.0) -> Path:
    """Write `per_class` sounds into one folder a class below `root`, and return it."""
    rng = np.random.default_rng(7)
    for name, make in CLASSES.items():
        folder = root / name.replace("/", "_")
        folder.mkdir(parents=True)
        for number in range(per_class):
            write_samples(folder / f"{number:02}.wav", make(rng, seconds)[:, None], RATE)
    return root


def make_table(root: Path, per_class: int = 8, seconds: float = 1.0) -> Path:
    """Write the same sounds and a CSV file with their full names; returns the file."""
    make_classes(root, per_class, seconds)
    lines = ["path,label"]
    for name in CLASSES:
        folder = name.replace("/", "_")
        lines += [f"{folder}/{number:02}.wav,{name}" for number in range(per_class)]
    table = root / "sounds.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def _tone(hertz: float, seconds: float) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
