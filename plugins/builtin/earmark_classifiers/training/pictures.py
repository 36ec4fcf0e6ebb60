"""A picture of each augmentation: a synthesised sound before and after.

Run as ``python -m earmark_classifiers.training.pictures FOLDER``; the pictures in
``docs/training.md`` come from it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.training.augment import (
    AUGMENTATIONS,
    CHANGES,
    MIXUP,
    SPECTRUM_MASKS,
    mask_spectra,
    mix_up,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE = 16_000
Floats = npt.NDArray[np.float32]

_SEEDS = {"gain": 34, "noise": 5, MIXUP: 16}
"""Draws that show well what happens; 11 for the others."""

_FFT, _HOP = 512, 160
_FLOOR_DB = -70.0


def falling_whistle() -> Floats:
    """Two seconds: a whistle that falls by an octave, and is gone after one and a half."""
    time = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(2_400 * 2 ** (-time / 1.5)) / RATE
    tones = np.sin(phase) + 0.4 * np.sin(2 * phase)
    whistle: Floats = (0.4 * tones * np.exp(-time) * (time < 1.5)).astype(np.float32)
    return whistle


def four_clicks() -> Floats:
    """Two seconds: four bursts of noise."""
    rng = np.random.default_rng(1)
    time = np.arange(2 * RATE) / RATE
    burst = rng.standard_normal(len(time)) * np.exp(-30 * (time % 0.5))
    clicks: Floats = (0.4 * burst / np.abs(burst).max()).astype(np.float32)
    return clicks


def spectrum(samples: Floats) -> Floats:
    """Decibels below the peak, ``[bins, frames]``."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)) ** 2
    decibels = 10 * np.log10(power / power.max() + 10 ** (_FLOOR_DB / 10))
    shown: Floats = decibels.T.astype(np.float32)
    return shown


def examples() -> Iterator[tuple[str, Floats, Floats, Floats, Floats]]:
    """Yield name, sound and spectrum before, sound and spectrum after, for each augmentation."""
    before = falling_whistle()
    for name in AUGMENTATIONS:
        rng = np.random.default_rng(_SEEDS.get(name, 11))
        after, shown = before, spectrum(before)
        if name in CHANGES:
            after = CHANGES[name](before, RATE, rng)
            shown = spectrum(after)
        elif name == MIXUP:
            mixed, _ = mix_up(np.stack([before, four_clicks()]), np.eye(2, dtype=np.float32), rng)
            after, shown = mixed[0], spectrum(mixed[0])
        elif name == SPECTRUM_MASKS:
            shown = mask_spectra(shown[None], rng)[0]
        yield name, before, spectrum(before), after, shown


def draw_all(folder: Path) -> list[Path]:
    """Write ``augment-<name>.png`` for each augmentation into `folder` and return the paths."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    written = []
    for name, before, shown_before, after, shown_after in examples():
        figure = Figure(figsize=(5.6, 2.4), dpi=80, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, 2, sharex=True, height_ratios=(1, 2))
        for column, (title, samples, shown) in enumerate(
            (("before", before, shown_before), (name, after, shown_after))
        ):
            _draw_wave(axes[0][column], samples, title)
            _draw_spectrum(axes[1][column], shown, len(samples) / RATE)
        path = folder / f"augment-{name}.png"
        # Without the version of the library, the same picture is the same file.
        figure.savefig(path, metadata={"Software": None})
        written.append(path)
    return written


def _draw_wave(axes: Axes, samples: Floats, title: str) -> None:
    axes.plot(np.arange(len(samples)) / RATE, samples, linewidth=0.4, color="0.3")
    axes.set_title(title, fontsize=9)
    axes.set_ylim(-1.05, 1.05)
    axes.set_yticks([])


def _draw_spectrum(axes: Axes, shown: Floats, seconds: float) -> None:
    axes.imshow(
        shown,
        origin="lower",
        aspect="auto",
        cmap="gray_r",
        extent=(0, seconds, 0, RATE / 2_000),
        vmin=_FLOOR_DB,
        vmax=0,
    )
    axes.set_ylabel("kHz", fontsize=8)
    axes.set_xlabel("s", fontsize=8)
    axes.tick_params(labelsize=7)


def main() -> None:
    """Draw into the folder named on the command line."""
    draw_all(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
