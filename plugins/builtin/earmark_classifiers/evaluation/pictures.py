"""Pictures of how good classifiers are: confusion, reliability, precision-recall, comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from earmark_classifiers.evaluation.calibration import Reliability
from earmark_classifiers.evaluation.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    count_in_whole,
    drawing,
    shorten,
)
from earmark_classifiers.evaluation.metrics import (
    Counts,
    Scores,
    Truth,
    average_precisions,
    precision_recall,
)
from earmark_classifiers.evaluation.resampling import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CONFUSED = 40
"""More classes than this cannot be read in one matrix."""

MOST_COUNTED = 24
"""Up to so many classes the cells hold their counts."""

MOST_CURVES = 24


def draw_confusion(matrix: Counts, classes: Sequence[str]) -> bytes:
    """Draw a confusion matrix as PNG; of many classes those that are mixed up most.

    Parameters
    ----------
    matrix : ndarray of int64, shape (classes, classes)
        Rows are true, columns are given; see `metrics.confusion`.
    classes : sequence of str
    """
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    kept = np.sort(np.argsort(-wrong, kind="stable")[:MOST_CONFUSED])
    shown = matrix[np.ix_(kept, kept)]
    share = shown / np.maximum(matrix.sum(axis=1)[kept], 1)[:, None]
    names = [shorten(classes[place]) for place in kept]
    side = (0.5 if len(names) <= 8 else 0.3) * len(names) + 2.4
    with drawing(side + 0.6, side) as (figure, png):
        axes = figure.add_subplot()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        _grid(axes, len(names))
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("Given by the classifier")
        axes.set_ylabel("In the data")
        title = "Which classes are taken for which"
        if len(names) < len(classes):
            title += f"\n(the {len(names)} of {len(classes)} classes mixed up most)"
        axes.set_title(title)
        if len(names) <= MOST_COUNTED:
            for row, column in np.argwhere(shown > 0):
                dark = share[row, column] > 0.55
                axes.text(
                    column, row, str(shown[row, column]), ha="center", va="center",
                    fontsize=8, color="white" if dark else INK,
                )  # fmt: skip
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02)
        bar.set_label("Share of the class's clips")
        bar.outline.set_visible(False)
    return png.getvalue()


def draw_reliability(told: Reliability) -> bytes:
    """Draw confidence against the share that was right, and how often each confidence came."""
    with drawing(5.4, 5.2) as (figure, png):
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        full = told.count > 0
        upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="Keeps its word")
        upper.plot(
            told.confidence[full], told.share[full], "o-", color=BLUE, label="This classifier"
        )
        upper.set_ylim(-0.02, 1.02)
        upper.set_ylabel("Share that was right")
        upper.set_title(
            f"Can its confidence be believed? Mean gap {told.error:.3f}"
            if full.any()
            else "Can its confidence be believed? No clips"
        )
        upper.legend(frameon=False, loc="upper left")
        width = np.diff(told.edges)
        lower.bar(told.edges[:-1], told.count, width=width, align="edge", color=BLUE, alpha=0.55,
                  edgecolor="white")  # fmt: skip
        lower.set_ylabel("Clips")
        count_in_whole(lower.yaxis)
        lower.set_xlabel("Confidence of the best class (0 to 1)")
        lower.set_xlim(0, 1)
        figure.align_ylabels()
    return png.getvalue()


def draw_precision_recall(truth: Truth, scores: Scores, classes: Sequence[str]) -> bytes:
    """Draw a curve for each class that has clips, the worst first, at most `MOST_CURVES`.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips, classes)
    scores : ndarray, shape (clips, classes)
    classes : sequence of str
    """
    precisions = average_precisions(truth, scores)
    present = np.flatnonzero(~np.isnan(precisions))
    ranked = present[np.argsort(precisions[present], kind="stable")][:MOST_CURVES]
    columns = min(4, max(1, len(ranked)))
    rows = max(1, -(-len(ranked) // columns))
    with drawing(max(4.5, 2.35 * columns), 1.9 * rows + 0.8) as (figure, png):
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, place in zip(grid.flat, ranked, strict=False):
            precision, recall, _ = precision_recall(truth[:, place], scores[:, place])
            rises = np.diff(recall, prepend=0.0) > 0  # the steps that average precision sums up
            steps = np.append(precision[rises][0], precision[rises])
            axes.step(np.append(0, recall[rises]), steps, color=BLUE)
            axes.axhline(truth[:, place].mean(), color=GREY, linestyle=":", linewidth=1)
            axes.set_title(f"{shorten(classes[place], 18)}  {precisions[place]:.2f}", fontsize=9.5)
            axes.set_xlim(0, 1.02)
            axes.set_ylim(0, 1.05)
            axes.set_xticks([0, 0.5, 1])
            axes.set_yticks([0, 0.5, 1])
        for place, axes in enumerate(grid.flat):
            axes.set_visible(place < len(ranked))
            axes.tick_params(labelbottom=place + columns >= len(ranked))
        less = f", the {len(ranked)} worst" if len(ranked) < len(present) else ""
        figure.suptitle(
            f"Precision and recall by class, with average precision{less}\n"
            "(dotted: a classifier that guesses)",
            ha="left", x=0.01, fontsize=10.5,
        )  # fmt: skip
        figure.supxlabel("Recall: share of the class's clips that are found", fontsize=9.5)
        figure.supylabel("Precision", fontsize=9.5)
    return png.getvalue()


def draw_comparison(figures: Mapping[str, Mapping[str, Interval]]) -> bytes:
    """Draw figures of several classifiers side by side with their intervals.

    Parameters
    ----------
    figures : mapping
        By title of the figure, by name of the classifier.
    """
    names = list(next(iter(figures.values())))
    colours = (BLUE, ORANGE, VERMILION)
    with drawing(3.0 * len(figures) + 1.6, 0.42 * len(names) + 1.3) as (figure, png):
        panels = figure.subplots(1, len(figures), sharey=True, squeeze=False)[0]
        for axes, (title, by_name), colour in zip(panels, figures.items(), colours, strict=False):
            for row, told in enumerate(by_name.values()):
                axes.plot([told.low, told.high], [row, row], color=colour, linewidth=2.2)
                axes.plot(told.value, row, "o", color=colour, markersize=6.5)
                axes.annotate(
                    f"{told.value:.3f}", (told.value, row), (0, 6), textcoords="offset points",
                    ha="center", fontsize=8.5,
                )  # fmt: skip
            axes.set_title(title)
            axes.set_xlim(0, 1.03)
            axes.set_ylim(len(names) - 0.5, -0.6)
            axes.set_yticks(range(len(names)), [shorten(name) for name in names])
            axes.grid(axis="x", color="#e5e5e5", linewidth=0.8)
            axes.set_axisbelow(True)
        figure.supxlabel("Value (0 to 1) with 95 % interval", fontsize=9.5)
    return png.getvalue()


def _grid(axes: Axes, count: int) -> None:
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#ececec", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
