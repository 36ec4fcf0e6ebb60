"""Decisions from a table: each row by itself, all to be taken back at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.db import transaction

from earmark.core.errors import EarmarkError
from earmark.library.models import AudioFile, Library
from earmark.library.paths import path_key
from earmark.review.errors import InvalidDecisionError, ItemUnknownError
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.services.batches import new_batch
from earmark.review.services.deciding import Word, decide
from earmark.review.tables import DecisionRow

_DIGITS = 18
"""No id has more."""

_LONGEST_PATH = 16_384
"""What systems take for a path, should each byte of it have to be written as four characters."""

_ACTIONS = [one for one in Decision.Action.values if one != Decision.Action.UNDO]


@dataclass(frozen=True)
class RowError:
    """A row that was not taken, and why."""

    line: int
    code: str
    message: str


@dataclass(frozen=True)
class Imported:
    """What became of a table; `batch` names what was decided, for its undo."""

    batch: str
    decided: int
    errors: Sequence[RowError]


def import_decisions(
    *,
    rows: Iterable[DecisionRow],
    items: ReviewItemQuerySet,
    reviewer: str,
    dry_run: bool = False,
) -> Imported:
    """Decide about items as a table says.

    Parameters
    ----------
    rows : iterable of DecisionRow
    items : queryset of ReviewItem
        Those that may be decided; others are as unknown as those that are not there.
    reviewer : str
    dry_run : bool
        Whether to find out what would come of it and change nothing.
    """
    batch = new_batch()
    errors: list[RowError] = []
    decided = 0
    for row in rows:
        try:
            with transaction.atomic():
                item = _find(items, row)
                decide(item_id=item.pk, reviewer=reviewer, word=_word(row), batch=batch)
                transaction.set_rollback(dry_run)
            decided += 1
        except EarmarkError as error:
            errors.append(RowError(row.line, error.code, str(error)))
    return Imported(batch, decided, errors)


def _word(row: DecisionRow) -> Word:
    if row.decision not in _ACTIONS:
        raise InvalidDecisionError(
            f"{row.decision!r} is no decision; there are {', '.join(_ACTIONS)}."
        )
    return Word(Decision.Action(row.decision), row.words, row.comment)


def _find(items: ReviewItemQuerySet, row: DecisionRow) -> ReviewItem:
    """Return the open item of a file with a label, or with a tag of this name."""
    own = items.open().filter(file__in=_files(row.file))
    found: list[ReviewItem] = [
        *own.filter(name=row.label)[:2],
        *own.filter(label=row.label).exclude(name=row.label)[:2],
    ]
    if not found:
        raise ItemUnknownError(f"Nobody is asked about {row.label!r} of {row.file!r}.")
    if len({one.file_id for one in found}) > 1:
        raise ItemUnknownError(
            f"There are several files {row.file!r}.", hint="Name its id, or its whole path."
        )
    return found[0]


def _files(text: str) -> Sequence[int]:
    """Return the files of an id, or of a path in text form, absolute or within its library."""
    if text.isascii() and text.isdecimal():
        return [int(text)] if len(text) <= _DIGITS else []
    if len(text) > _LONGEST_PATH:
        return []
    path = PurePosixPath(text)
    files = AudioFile.objects.all()
    if not path.is_absolute():
        return list(files.filter(path_key=path_key(text)).values_list("pk", flat=True))
    roots = {path_key(str(folder)): folder for folder in path.parents}
    library = Library.objects.filter(root_key__in=roots).first()  # none lies in another
    if library is None:
        return []
    below = str(path.relative_to(roots[library.root_key]))
    of_path = files.filter(library=library, path_key=path_key(below))
    return list(of_path.values_list("pk", flat=True))
