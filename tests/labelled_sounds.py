"""Labelled sounds by formula, one folder a class, for tests of training and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from earmark_workers.demo import synthesis as synth

RATE = 16_000

CLASSES: dict[str, Callable[[np.random.Generator, float], np.ndarray]] = {
    "Siren": lambda rng, s: synth.siren(s, RATE, period=rng.uniform(2, 5)),
    "Wind": lambda rng, s: synth.wind(rng, s, RATE),
    "Rain": lambda rng, s: synth.rain(rng, s, RATE),
    "White_noise": lambda rng, s: synth.white_noise(rng, s, RATE),
    "Dial tone": lambda _, s: synth.dial_tone(s, RATE),
    "Church bell": lambda rng, s: synth.bell(s, RATE, strike=rng.uniform(300, 600)),
    "Smoke detector, smoke alarm": lambda _, s: synth.smoke_alarm(s, RATE),
    "Guitar": lambda rng, s: synth.strum(rng, s, RATE, notes=rng.uniform(80, 400, 6)),
}
"""Names of AudioSet, some spelt otherwise."""


def write_labelled(
    folder: Path, *, each: int = 4, seconds: float = 4.0, classes: tuple[str, ...] = tuple(CLASSES)
) -> Path:
    """Write `each` different sounds of every class; the same bytes every time."""
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for take in range(each):
            rng = np.random.default_rng([number, take])
            samples = CLASSES[name](rng, seconds + 0.3 * take)
            level = rng.uniform(0.2, 1.0)
            soundfile.write(folder / name / f"take {take + 1}.wav", level * samples, RATE)
    return folder
