"""What ``evaluate`` tells: as JSON, on the terminal, as a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from earmark_classifiers.evaluation.judging import Evaluation
from earmark_classifiers.evaluation.pictures import (
    draw_confusion,
    draw_precision_recall,
    draw_reliability,
)
from earmark_files.paths import display, path_to_text
from earmark_workers.evaluation.documents import as_range, inline, render, shown
from earmark_workers.evaluation.listening import Unheard
from earmark_workers.evaluation.trial import Trial, name_of

TITLES = {"accuracy": "Accuracy", "macro_f1": "Macro F1", "map": "mAP"}
FAILURES_SHOWN = 10


def evaluation_as_json(trial: Trial, *, data: Path, labels: int) -> dict[str, Any]:
    """Return everything in plain values; `labels` is how many the classifier has."""
    return trial.evaluation.as_json() | {
        "data": path_to_text(data),
        "labels": labels,
        "failed": len(trial.unheard),
        "failures": failures_as_json(trial.unheard, data),
    }


def failures_as_json(unheard: tuple[Unheard, ...], data: Path) -> list[dict[str, str]]:
    """Return the files that could not be used, with their reasons."""
    return [
        {"path": name_of(one.path, data), "code": one.code, "message": one.message}
        for one in unheard
    ]


def print_evaluation(console: Console, trial: Trial, *, data: Path) -> None:
    """Print figures, the table of classes, the worst mix-ups and what could not be used."""
    evaluation = trial.evaluation
    told = evaluation.figures
    console.print(
        f"{evaluation.classifier} on {display(data)}: {told.clips} clips, "
        f"{len(evaluation.classes)} classes",
        soft_wrap=True, markup=False,
    )  # fmt: skip
    console.print(_figures_table(evaluation))
    console.print(_class_table(evaluation))
    pairs = evaluation.worst_confusions(limit=5, examples=1)
    if pairs:
        console.print("Taken for each other most:")
    for pair in pairs:
        example = shown(pair.examples[0][0])
        console.print(
            f"  {pair.label} as {pair.given}: {pair.clips} (such as {example})",
            soft_wrap=True, markup=False,
        )  # fmt: skip
    print_failures(console, trial.unheard, data)


def print_failures(console: Console, unheard: tuple[Unheard, ...], data: Path) -> None:
    """Name the files that could not be used, the first of many."""
    if unheard:
        console.print(f"{len(unheard)} files could not be used:")
    for one in unheard[:FAILURES_SHOWN]:
        said = f"  {shown(name_of(one.path, data))}: {one.message} [{one.code}]"
        console.print(said, soft_wrap=True, markup=False)
    if len(unheard) > FAILURES_SHOWN:
        console.print(f"  and {len(unheard) - FAILURES_SHOWN} more; --json lists all")


def evaluation_page(trial: Trial, *, data: Path, labels: int) -> bytes:
    """Render the report."""
    evaluation = trial.evaluation
    told = evaluation_as_json(trial, data=data, labels=labels)
    pictures = (
        (
            "Confusion",
            "Each row is a class of the data; its clips are spread over the classes they were "
            "given. Clips of several classes are left out.",
            draw_confusion(evaluation.confusion, evaluation.classes),
        ),
        (
            "Reliability",
            "A confidence keeps its word if it is right as often as it says. Points below the "
            "dashed line are too sure of themselves.",
            draw_reliability(evaluation.reliability),
        ),
        (
            "Precision and recall",
            "What a threshold on the score of one class would cost: how many of its clips are "
            "found, and how many of the found are right.",
            draw_precision_recall(evaluation.truth, evaluation.scores, evaluation.classes),
        ),
    )
    return render(
        "evaluate",
        {
            "told": told | {"data": display(data)},
            "figures": _figures(evaluation),
            "pictures": [
                {"title": title, "text": text, "png": inline(png)} for title, text, png in pictures
            ],
            "confusions": [
                pair | {"examples": [shown(name) for name in pair["examples"]]}
                for pair in told["confusions"]
            ],
            "failures": [one | {"path": shown(one["path"])} for one in told["failures"]],
        },
    )


def _figures(evaluation: Evaluation) -> list[dict[str, str]]:
    told = evaluation.figures
    sure = [
        {
            "title": title,
            "value": f"{evaluation.interval(name).value:.3f}",
            "interval": as_range(evaluation.interval(name)),
        }
        for name, title in TITLES.items()
    ]
    others = {
        "Macro precision": told.macro_precision,
        "Macro recall": told.macro_recall,
        "Calibration error": evaluation.reliability.error,
    }
    return sure + [
        {"title": title, "value": f"{value:.3f}", "interval": ""} for title, value in others.items()
    ]


def _figures_table(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("95 %")
    for row in _figures(evaluation):
        table.add_row(row["title"].lower().replace("map", "mAP"), row["value"], row["interval"])
    return table


def _class_table(evaluation: Evaluation) -> Table:
    told = evaluation.figures.classes
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for title in ("clips", "precision", "recall", "F1", "AP"):
        table.add_column(title, justify="right")
    columns = (told.precision, told.recall, told.f1, told.average_precision)
    for row, label in enumerate(evaluation.classes):
        values = [float(column[row]) for column in columns]
        cells = ["–" if math.isnan(value) else f"{value:.3f}" for value in values]
        table.add_row(escape(label), str(told.support[row]), *cells)
    return table
