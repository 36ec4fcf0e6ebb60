"""The picture of one sound: waveform, spectrum, log-mel spectrogram, MFCCs, scores over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.anatomy import LOWEST_DB, Anatomy
from earmark_classifiers.evaluation.drawing import BLUE, drawing, shorten, show_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

DYNAMIC_DB = 80.0
"""What lies so far below the loudest band is black: the noise of the recording chain."""

QUIETEST_TOP = -40.0
"""Levels are drawn up to this at least, in dBFS, so that silence looks like silence."""

MOST_WINDOWS = 640
"""More windows than this are drawn as the highest score of several: each column is then at least a
pixel wide, and no short event is lost in drawing."""

MEL_TICKS = (100, 300, 1000, 3000, 10_000, 30_000)


@dataclass(frozen=True, eq=False)
class ScoreTimes:
    """Scores to draw under the sound.

    Attributes
    ----------
    classifier : str
        Identity, such as ``audioset@1.0.0``.
    labels : sequence of str
        Best first.
    starts, ends : ndarray, shape (windows,)
        In seconds.
    scores : ndarray, shape (windows, labels)
        In [0, 1].
    """

    classifier: str
    labels: Sequence[str]
    starts: npt.NDArray[np.float32]
    ends: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]


def draw_sound(sound: Anatomy, title: str, times: ScoreTimes | None = None) -> bytes:
    """Draw everything as one PNG; the pictures over time share their axis.

    Parameters
    ----------
    sound : Anatomy
    title : str
        Name of the file and what is worth knowing about it.
    times : ScoreTimes, optional
        Left out where no classifier was asked or none could answer.
    """
    rows = 0.34 * len(times.labels) + 0.7 if times else 0
    heights = [1.6, 2.6, 2.0] + ([rows] if times else []) + [2.0]
    with drawing(9.0, sum(heights) + 1.2) as (figure, png):
        figure.suptitle(title, ha="left", x=0.01, fontsize=11)
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        first = figure.add_subplot(grid[0])
        panels = [first] + [figure.add_subplot(grid[n], sharex=first) for n in range(1, 3)]
        _draw_waveform(panels[0], sound)
        _draw_log_mel(figure, panels[1], sound)
        _draw_cepstrum(figure, panels[2], sound)
        if times:
            panels.append(figure.add_subplot(grid[3], sharex=first))
            _draw_scores(figure, panels[-1], times)
        first.set_xlim(0, sound.seconds)
        for axes in panels:
            show_time(axes, sound.seconds)
        for axes in panels[:-1]:
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        _draw_spectrum(figure.add_subplot(grid[-1]), sound)
        figure.align_ylabels(figure.axes[:3])
    return png.getvalue()


def show_log_mel(axes: Axes, sound: Anatomy) -> AxesImage:
    """Draw a log-mel spectrogram and its frequencies into `axes`, without a title."""
    top = max(QUIETEST_TOP, float(sound.log_mel.max()))
    image = axes.imshow(
        sound.log_mel.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
        vmin=top - DYNAMIC_DB, vmax=top, extent=_extent(sound, len(sound.mel_hertz)),
    )  # fmt: skip
    hertz = [tick for tick in MEL_TICKS if tick < sound.mel_hertz[-1]]
    places = np.interp(hertz, sound.mel_hertz, np.arange(len(sound.mel_hertz)) + 0.5)
    axes.set_yticks(places, [_hertz(tick) for tick in hertz])
    return image


def _draw_waveform(axes: Axes, sound: Anatomy) -> None:
    starts = np.arange(len(sound.envelope)) * sound.envelope_seconds
    low, high = sound.envelope.T
    # Neighbours touch, so that a short sound is a line and a long one an area.
    axes.fill_between(starts, low, high, color=BLUE, linewidth=0.6, edgecolor=BLUE)
    top = float(np.abs(sound.envelope).max()) or 1.0
    axes.set_ylim(-1.05 * top, 1.05 * top)
    axes.set_ylabel("Amplitude\n(full scale 1)")
    level = f"peak {sound.peak:.1f} dBFS, mean level {sound.rms:.1f} dBFS"
    axes.set_title(f"Waveform: {level if sound.peak > LOWEST_DB else 'digital silence'}")


def _draw_log_mel(figure: Figure, axes: Axes, sound: Anatomy) -> None:
    image = show_log_mel(axes, sound)
    axes.set_ylabel("Frequency (Hz, mel)")
    axes.set_title("Log-mel spectrogram")
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=12)
    bar.set_label("Level (dBFS)")
    bar.outline.set_visible(False)


def _draw_cepstrum(figure: Figure, axes: Axes, sound: Anatomy) -> None:
    # The first coefficient is the level, many times larger than the others: it would hide them.
    shapes = sound.cepstrum[:, 1:].T
    most = max(0.1, float(np.quantile(np.abs(shapes), 0.995)))
    image = axes.imshow(
        shapes, origin="lower", aspect="auto", cmap="PuOr", interpolation="nearest",
        vmin=-most, vmax=most, extent=_extent(sound, len(shapes)),
    )  # fmt: skip
    axes.set_yticks(np.arange(len(shapes))[::2] + 0.5, [str(n + 2) for n in range(0, 12, 2)])
    axes.set_ylabel("Coefficient")
    axes.set_title("MFCCs 2 to 13: the shape of the spectrum, whatever its level")
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=10)
    bar.set_label("Value")
    bar.outline.set_visible(False)


def _draw_scores(figure: Figure, axes: Axes, times: ScoreTimes) -> None:
    firsts = np.arange(0, len(times.starts), -(-len(times.starts) // MOST_WINDOWS))
    edges = np.append(times.starts[firsts], times.ends[-1])
    scores = np.maximum.reduceat(times.scores, firsts).T
    image = axes.pcolormesh(
        edges, np.arange(len(times.labels) + 1), scores, cmap="cividis", vmin=0, vmax=1
    )
    axes.set_yticks(np.arange(len(times.labels)) + 0.5, [shorten(n, 24) for n in times.labels])
    axes.invert_yaxis()
    axes.set_title(f"What {times.classifier} hears, best label first")
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=10)
    bar.set_label("Confidence")
    bar.outline.set_visible(False)


def _draw_spectrum(axes: Axes, sound: Anatomy) -> None:
    axes.semilogx(sound.frequencies, sound.spectrum, color=BLUE, linewidth=1)
    top = max(QUIETEST_TOP, float(sound.spectrum.max()))
    axes.set_ylim(top - 100, top + 5)
    axes.set_xlim(max(20, sound.frequencies[0]), sound.sample_rate / 2)
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel("Level (dBFS)")
    axes.set_title("Spectrum (FFT), mean over the whole sound")
    axes.grid(which="major", color="#e5e5e5", linewidth=0.8)
    axes.xaxis.set_major_formatter(
        lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
    )


def _hertz(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _extent(sound: Anatomy, rows: int) -> tuple[float, float, float, float]:
    return (0.0, len(sound.log_mel) * sound.column_seconds, 0.0, float(rows))
