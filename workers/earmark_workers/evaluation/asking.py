"""What the commands for evaluation ask for on the command line, and how their errors end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.core.arguments import positive
from earmark.core.broken_pipe import leave_broken_pipe
from earmark.core.errors import EarmarkError
from earmark_classifiers.evaluation.mapping import MappingError, read_label_table
from earmark_classifiers.training.data import Dataset, read_dataset
from earmark_classifiers.training.errors import DataError
from earmark_files.errors import AudioFileError
from earmark_files.paths import display
from earmark_plugin_api import ClassifierError
from earmark_workers.evaluation.documents import DocumentError
from earmark_workers.evaluation.listening import Listener
from earmark_workers.evaluation.trial import NothingToTryError, Trial, choose_clips, try_classifier
from earmark_workers.report.progress import ProgressLine

USAGE = 2


def add_data_arguments(parser: CommandParser) -> None:
    """Declare what all trials of classifiers need."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR|CSV",
        help="folder with one folder of sounds a class, or CSV with the columns path and label "
        "(and split and group if wanted)",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="what classes of the data mean to the classifier: columns label and means; an empty "
        "means leaves a class out",
    )
    parser.add_argument(
        "--split", choices=["train", "val"], default="", help="only clips of this split of the CSV"
    )
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="at most N clips, the classes in turn"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object on the last line of standard output"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a report with pictures, one file"
    )


def read_data(options: dict[str, Any]) -> Dataset:
    """Read the clips the options ask for; raises what `read_dataset` and `choose_clips` raise."""
    dataset = read_dataset(options["data"])
    return choose_clips(dataset, split=options["split"], limit=options["limit"])


def try_named(name: str, dataset: Dataset, options: dict[str, Any]) -> tuple[Trial, int]:
    """Try an installed classifier, with a progress line on standard error.

    Returns
    -------
    (Trial, int)
        What came out, and how many labels the classifier has.
    """
    table = read_label_table(options["labels"]) if options["labels"] else {}
    sizes = {clip.path: size_of(clip.path) for clip in dataset.clips}
    console = Console(stderr=True, highlight=False)
    with (
        Listener(name) as listener,
        ProgressLine(console, files=len(sizes), size=sum(sizes.values())) as progress,
    ):

        def on_clip(path: Path, heard: bool) -> None:
            progress.heard(listener.seconds - progress.seconds)
            progress.finished(files=1, size=sizes[path], failed=not heard)

        trial = try_classifier(
            listener, dataset, root=options["data"], table=table, on_clip=on_clip
        )
        return trial, len(listener.manifest.labels)


@contextmanager
def ending() -> Iterator[None]:
    """Turn what can go wrong into the line and the exit status people get."""
    try:
        yield
    except BrokenPipeError:
        leave_broken_pipe()
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; nothing was written")
        sys.exit(130)
    except (MappingError, DataError, DocumentError, ClassifierUnavailableError) as error:
        raise CommandError(f"{error.code}: {error}", returncode=USAGE) from error
    except (NothingToTryError, ClassifierError, EarmarkError) as error:
        raise CommandError(f"{error.code}: {error}") from error
    except AudioFileError as error:
        where = f"{display(error.path)}: " if error.path is not None else ""
        raise CommandError(f"{where}{error.message} [{error.code}]") from error


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where that cannot be told: decoding says what is wrong with it."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
