"""What ``compare`` tells: several classifiers over the same clips, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from earmark_classifiers.evaluation.judging import (
    FIGURES,
    Evaluation,
    interval_as_json,
    keep_common,
    number,
)
from earmark_classifiers.evaluation.pictures import draw_comparison
from earmark_classifiers.evaluation.resampling import Difference, difference
from earmark_files.paths import display, path_to_text
from earmark_workers.evaluation.documents import as_range, inline, render, shown
from earmark_workers.evaluation.evaluated import TITLES, failures_as_json
from earmark_workers.evaluation.trial import NothingToTryError, Trial


class Comparison:
    """Several trials, cut down to the clips that all classifiers heard.

    Parameters
    ----------
    trials : mapping
        By the name of the classifier.

    Raises
    ------
    NothingToTryError
        If there is no such clip.
    """

    def __init__(self, trials: Mapping[str, Trial], data: Path) -> None:
        self._trials = trials
        self._data = data
        evaluations = keep_common([trial.evaluation for trial in trials.values()])
        if not evaluations[0].names:
            raise NothingToTryError("There is no clip that all of these classifiers could hear.")
        self.evaluations: Mapping[str, Evaluation] = dict(zip(trials, evaluations, strict=True))

    def differences(self, figure: str) -> list[tuple[str, str, Difference]]:
        """Compare every two classifiers by a figure of `judging.FIGURES`."""
        attribute = FIGURES[figure]
        return [
            (
                first,
                second,
                difference(
                    getattr(one.figures, attribute),
                    getattr(other.figures, attribute),
                    getattr(one.resampled, attribute),
                    getattr(other.resampled, attribute),
                ),
            )
            for (first, one), (second, other) in combinations(self.evaluations.items(), 2)
        ]

    def failures(self) -> list[dict[str, str]]:
        """Return what each classifier could not hear."""
        return [
            {"classifier": name} | failure
            for name, trial in self._trials.items()
            for failure in failures_as_json(trial.unheard, self._data)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return everything in plain values."""
        failures = self.failures()
        return {
            "data": path_to_text(self._data),
            "clips": len(next(iter(self.evaluations.values())).names),
            "failed": len({failure["path"] for failure in failures}),
            "classifiers": [one.as_json() for one in self.evaluations.values()],
            "differences": [
                {
                    "first": first,
                    "second": second,
                    "figure": figure,
                    "difference": number(found.interval.value),
                    "interval": interval_as_json(found.interval),
                    "first_better": number(found.first_better),
                    "clear": found.is_clear,
                }
                for figure in FIGURES
                for first, second, found in self.differences(figure)
            ],
            "failures": failures,
        }

    def print(self, console: Console) -> None:
        """Print the figures side by side and the differences."""
        clips = len(next(iter(self.evaluations.values())).names)
        console.print(
            f"{len(self.evaluations)} classifiers on the same {clips} clips of "
            f"{display(self._data)}",
            soft_wrap=True, markup=False,
        )  # fmt: skip
        console.print(self._figures_table())
        console.print(self._differences_table())
        failures = self.failures()
        if failures:
            console.print(f"{len(failures)} times a file could not be used; --json lists them")

    def page(self) -> bytes:
        """Render the report."""
        figures = {
            title: {one.classifier: one.interval(name) for one in self.evaluations.values()}
            for name, title in TITLES.items()
        }
        told = self.as_json()
        return render(
            "compare",
            {
                "told": told | {"data": display(self._data)},
                "titles": list(TITLES.values()),
                "picture": inline(draw_comparison(figures)),
                "rows": [
                    {
                        "name": one.classifier,
                        "cells": [
                            {"value": f"{told.value:.3f}", "interval": as_range(told)}
                            for told in map(one.interval, FIGURES)
                        ],
                    }
                    for one in self.evaluations.values()
                ],
                "differences": self._difference_rows(),
                "failures": [one | {"path": shown(one["path"])} for one in told["failures"]],
            },
        )

    def _difference_rows(self) -> list[dict[str, str]]:
        return [
            {
                "first": first,
                "second": second,
                "figure": TITLES[figure],
                "value": f"{found.interval.value:+.3f}",
                "interval": as_range(found.interval),
                "verdict": _verdict(first, second, found),
            }
            for figure in FIGURES
            for first, second, found in self.differences(figure)
        ]

    def _figures_table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        table.add_column("classifier")
        for title in TITLES.values():
            table.add_column(title, justify="right")
            table.add_column("95 %")
        for one in self.evaluations.values():
            cells = [
                cell
                for told in map(one.interval, FIGURES)
                for cell in (f"{told.value:.3f}", as_range(told))
            ]
            table.add_row(escape(one.classifier), *cells)
        return table

    def _differences_table(self) -> Table:
        return _as_table(
            self._difference_rows(), ("first", "second", "figure", "value", "interval", "verdict")
        )


def _as_table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, title="Differences", title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column == "value" else "left")
    for row in rows:
        table.add_row(*(escape(row[column]) for column in columns))
    return table


def _verdict(first: str, second: str, found: Difference) -> str:
    if not found.is_clear:
        return "cannot be told apart"
    return f"{first if found.interval.value > 0 else second} is better"
