"""The figures of a bundled classifier as they stand in its model card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""What is between them is written by ``tabular.bundle``."""


def figures_as_markdown(figures: Mapping[str, Any]) -> str:
    """Return what a card says about the validation clips.

    Parameters
    ----------
    figures : mapping
        ``training["figures"]`` of the classifier, see `learning.clip_figures`.
    """
    lines = [
        "| on the validation clips | value |",
        "|---|---:|",
        f"| clips | {figures['validation_clips']} |",
        f"| first label is right | {figures['accuracy']:.3f} |",
        f"| mean recall of the classes | {figures['macro_recall']:.3f} |",
        f"| mean F1 of the classes | {figures['macro_f1']:.3f} |",
        f"| mean average precision | {figures['mean_average_precision']:.3f} |",
        f"| calibration error of first labels | {figures['calibration_error']:.3f} |",
        "",
        "| class | clips | recall | precision |",
        "|---|---:|---:|---:|",
    ]
    few = set(figures["too_few_to_mean_anything"])
    for label, row in figures["classes"].items():
        mark = " *" if label in few else ""
        recall = "" if row["recall"] is None else f"{row['recall']:.2f}"
        lines.append(f"| {label}{mark} | {row['clips']} | {recall} | {row['precision']:.2f} |")
    few_of = f"{len(few)} of {len(figures['classes'])} classes"
    lines += ["", f"\\* {few_of} have fewer than five validation clips: their rows are chance."]
    return "\n".join(lines)


def with_figures(card: str, figures: Mapping[str, Any]) -> str:
    """Return a card with the figures between the marks replaced.

    Raises
    ------
    ValueError
        If it has no such place.
    """
    if len(re.findall(f"{BEGIN}.*?{END}", card, re.DOTALL)) != 1:
        raise ValueError(f"the card needs {BEGIN} and {END} once")
    before, _, rest = card.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{figures_as_markdown(figures)}\n{END}{after}"
