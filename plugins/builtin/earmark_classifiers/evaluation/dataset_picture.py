"""Pictures of a set of labelled sounds: classes, durations, sample rates, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from earmark_classifiers.evaluation.anatomy import Anatomy
from earmark_classifiers.evaluation.census import FEW_CLIPS, Census, ClassCensus
from earmark_classifiers.evaluation.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    count_in_whole,
    drawing,
    shorten,
)
from earmark_classifiers.evaluation.sound_picture import show_log_mel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 60
MOST_EXAMPLES = 12
BINS = 24


def draw_census(census: Census) -> bytes:
    """Draw how many clips each class has, how long they are, and at which rates, as PNG."""
    ranked = sorted(census.classes, key=lambda one: -one.clips)
    half = MOST_CLASSES // 2
    shown = ranked if len(ranked) <= MOST_CLASSES else ranked[:half] + ranked[-half:]
    with drawing(9.4, max(4.2, 0.23 * len(shown) + 1.2)) as (figure, png):
        grid = figure.add_gridspec(2, 2, width_ratios=[1.4, 1])
        bars = figure.add_subplot(grid[:, 0])
        _draw_classes(bars, shown)
        if len(shown) < len(ranked):
            bars.set_title(f"Clips by class: the {half} largest and smallest of {len(ranked)}")
        _draw_durations(figure.add_subplot(grid[0, 1]), census)
        _draw_rates(figure.add_subplot(grid[1, 1]), census)
    return png.getvalue()


def draw_examples(examples: Sequence[tuple[str, str, Anatomy]]) -> bytes:
    """Draw log-mel spectrograms of single sounds.

    Parameters
    ----------
    examples : sequence of (str, str, Anatomy)
        Class, name of the sound, and what it looks like; `MOST_EXAMPLES` at most are drawn.
    """
    shown = examples[:MOST_EXAMPLES]
    columns = min(3, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    with drawing(3.1 * columns + 0.4, 2.1 * rows + 0.6) as (figure, png):
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            axes.set_visible(place < len(shown))
            if place < len(shown):
                label, name, sound = shown[place]
                show_log_mel(axes, sound)
                axes.set_xlim(0, sound.seconds)
                axes.set_title(f"{shorten(label)}\n{shorten(name, 34)}", fontsize=9)
                axes.set_ylabel("" if place % columns else "Frequency (Hz)")
                axes.tick_params(labelsize=8)
        figure.supxlabel("Time (s)", fontsize=9.5)
        figure.suptitle("One sound of each class, log-mel", ha="left", x=0.01, fontsize=10.5)
    return png.getvalue()


def _draw_classes(axes: Axes, shown: Sequence[ClassCensus]) -> None:
    counts = [one.clips for one in shown]
    colours = [ORANGE if count < FEW_CLIPS else BLUE for count in counts]
    axes.barh(range(len(shown)), counts, color=colours)
    axes.set_yticks(range(len(shown)), [shorten(one.label) for one in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    for row, count in enumerate(counts):
        axes.annotate(
            str(count), (count, row), (3, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.margins(x=0.12)
    axes.set_xlabel("Clips")
    count_in_whole(axes.xaxis)
    few = f" (orange: under {FEW_CLIPS})" if min(counts, default=0) < FEW_CLIPS else ""
    axes.set_title(f"Clips by class{few}")


def _draw_durations(axes: Axes, census: Census) -> None:
    seconds = np.array([fact.seconds for fact in census.readable])
    axes.set_title("How long the sounds are")
    axes.set_xlabel("Duration (s)")
    axes.set_ylabel("Clips")
    count_in_whole(axes.yaxis)
    if not len(seconds):
        return
    low, high = seconds.min(), seconds.max()
    if high > 20 * max(low, 1e-3):
        axes.set_xscale("log")
        edges = np.geomspace(max(low, 1e-3), high * 1.001, BINS + 1)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    axes.hist(np.clip(seconds, edges[0], None), bins=list(edges), color=GREEN, edgecolor="white")


def _draw_rates(axes: Axes, census: Census) -> None:
    rates = sorted(Counter(fact.sample_rate for fact in census.readable).items())
    axes.bar(range(len(rates)), [count for _, count in rates], color=SKY, width=0.6)
    axes.set_xticks(range(len(rates)), [f"{rate / 1000:g}" for rate, _ in rates])
    axes.set_title("At which sample rates")
    axes.set_xlabel("Sample rate (kHz)")
    axes.set_ylabel("Clips")
    count_in_whole(axes.yaxis)
    axes.set_xlim(-0.8, max(len(rates) - 0.2, 2))
