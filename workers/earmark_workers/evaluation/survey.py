"""Looking through a set of labelled sounds: facts about every clip, one example of each class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from earmark_classifiers.evaluation.anatomy import Anatomy
from earmark_classifiers.evaluation.census import Census, ClipFacts, Problem, take_census
from earmark_classifiers.evaluation.dataset_picture import (
    MOST_EXAMPLES,
    draw_census,
    draw_examples,
)
from earmark_classifiers.training.data import Dataset, LabelledClip
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_files.paths import display, path_to_text
from earmark_workers.engine.decode import SILENCE_PEAK
from earmark_workers.evaluation.documents import inline, render, shown
from earmark_workers.evaluation.looking import Looked, look
from earmark_workers.evaluation.trial import name_of
from earmark_workers.report.progress import format_seconds

PROBLEMS_SHOWN = 15


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found, with an example of each class: its name, the clip's, and how it looks."""

    census: Census
    examples: tuple[tuple[str, str, Anatomy], ...]


def survey_dataset(
    dataset: Dataset, *, root: Path, on_clip: Callable[[Path, float, bool], None]
) -> Survey:
    """Read all clips of a set.

    Parameters
    ----------
    dataset : Dataset
    root : Path
        Names of clips are told relative to it.
    on_clip : callable
        Called after each clip with its seconds and whether it could be read.
    """
    facts = []
    examples: dict[str, tuple[str, Anatomy]] = {}
    with GuardedDecoder() as guard:
        for clip in dataset.clips:
            name = name_of(clip.path, root)
            try:
                looked = look(guard, clip.path)
                identity = guard.identify(clip.path).hash
            except AudioFileError as error:
                facts.append(
                    ClipFacts(name, clip.labels, clip.group, code=error.code, message=error.message)
                )
                on_clip(clip.path, 0.0, False)
                continue
            facts.append(_facts(name, clip, looked, identity))
            on_clip(clip.path, looked.seconds, True)
            if len(examples) < MOST_EXAMPLES and facts[-1].peak >= SILENCE_PEAK:
                examples.setdefault(clip.labels[0], (name, looked.sound))
    census = take_census(facts, dataset.labels, SILENCE_PEAK)
    kept = tuple((label, *example) for label, example in sorted(examples.items()))
    return Survey(census, kept)


def survey_picture(survey: Survey) -> bytes:
    """Draw classes, durations and rates as PNG."""
    return draw_census(survey.census)


def survey_page(survey: Survey, *, data: Path) -> bytes:
    """Render the report."""
    told = survey.census.as_json()
    examples = [
        (label, shown(name).rpartition("/")[2], sound) for label, name, sound in survey.examples
    ]
    return render(
        "dataset",
        {
            "data": display(data),
            "figures": _figures(told),
            "census": inline(draw_census(survey.census)),
            "examples": inline(draw_examples(examples)) if examples else "",
            "problems": [
                {"code": one.code, "message": one.message, "names": _names(one)}
                for one in survey.census.problems
            ],
            "classes": [row | {"minutes": f"{row['seconds'] / 60:.1f}"} for row in told["classes"]],
        },
    )


def survey_as_json(survey: Survey, *, data: Path) -> dict[str, Any]:
    """Return everything in plain values."""
    return {"data": path_to_text(data)} | survey.census.as_json()


def print_survey(console: Console, survey: Survey, *, data: Path) -> None:
    """Print the classes and the problems."""
    told = survey.census.as_json()
    figures = ", ".join(f"{one['value']} {one['title']}" for one in _figures(told))
    console.print(f"{display(data)}: {figures}", soft_wrap=True, markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for title in ("clips", "recordings", "minutes"):
        table.add_column(title, justify="right")
    for row in told["classes"]:
        minutes = f"{row['seconds'] / 60:.1f}"
        table.add_row(escape(row["label"]), str(row["clips"]), str(row["recordings"]), minutes)
    console.print(table)
    problems = survey.census.problems
    console.print(f"{len(problems)} problems" if problems else "No problems found")
    for one in problems[:PROBLEMS_SHOWN]:
        said = f"  {one.code}: {', '.join(_names(one))}: {one.message}"
        console.print(said, soft_wrap=True, markup=False)
    if len(problems) > PROBLEMS_SHOWN:
        console.print(f"  and {len(problems) - PROBLEMS_SHOWN} more; --json lists all")


def _facts(name: str, clip: LabelledClip, looked: Looked, identity: str) -> ClipFacts:
    return ClipFacts(
        name=name,
        labels=clip.labels,
        group=clip.group,
        seconds=looked.seconds,
        sample_rate=looked.info.sample_rate,
        channels=looked.info.channels,
        peak=10 ** (looked.sound.peak / 20),
        identity=identity,
    )


def _names(problem: Problem) -> list[str]:
    is_class = problem.code in ("small_class", "untrainable_class")
    return [name if is_class else shown(name) for name in problem.names]


def _figures(told: dict[str, Any]) -> list[dict[str, str]]:
    lengths = told["durations"]
    figures = {
        "sounds": str(told["clips"]),
        "could not be read": str(told["clips"] - told["readable"]),
        "classes": str(len(told["classes"])),
        "of sound": format_seconds(told["seconds"]),
        "problems": str(len(told["problems"])),
    }
    if lengths["median"] is not None:
        figures["shortest, median and longest"] = " / ".join(
            f"{lengths[name]:.1f} s" for name in ("shortest", "median", "longest")
        )
    return [{"title": title, "value": value} for title, value in figures.items()]
