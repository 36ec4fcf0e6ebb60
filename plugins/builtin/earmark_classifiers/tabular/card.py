"""The figures of a bundled classifier as they stand in its model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earmark_classifiers.training.cards import number


def figures_as_markdown(figures: Mapping[str, Any]) -> str:
    """Return what a card says about the validation clips.

    Parameters
    ----------
    figures : mapping
        ``training["figures"]`` of the classifier, see `training.figures.clip_figures`.
    """
    lines = [
        "| on the validation clips | value |",
        "|---|---:|",
        f"| clips | {figures['validation_clips']} |",
        f"| first label is right | {number(figures['accuracy'])} |",
        f"| mean recall of the classes | {number(figures['macro_recall'])} |",
        f"| mean F1 of the classes | {number(figures['macro_f1'])} |",
        f"| mean average precision | {number(figures['mean_average_precision'])} |",
        f"| calibration error of first labels | {number(figures['calibration_error'])} |",
        "",
        "| class | clips | recall | precision |",
        "|---|---:|---:|---:|",
    ]
    few = set(figures["too_few_to_mean_anything"])
    for label, row in figures["classes"].items():
        mark = " *" if label in few else ""
        recall, precision = number(row["recall"], 2), number(row["precision"], 2)
        lines.append(f"| {label}{mark} | {row['clips']} | {recall} | {precision} |")
    few_of = f"{len(few)} of {len(figures['classes'])} classes"
    lines += ["", f"\\* {few_of} have fewer than five validation clips: their rows are chance."]
    return "\n".join(lines)
