"""Tables of decisions and of training data, as CSV: reading and writing, nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from earmark.core.text import to_storable
from earmark.review.errors import DecisionTableError

TRAINING_COLUMNS = ("path", "label", "group")

_FILE = ("file", "path", "file_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class DecisionRow:
    """A row as it stands there; `line` is its number in the file, the header being 1."""

    line: int
    file: str
    label: str
    decision: str
    words: tuple[str, ...]
    comment: str


def read_decisions(text: str, *, most: int) -> list[DecisionRow]:
    """Read a table with a header: ``file`` (or ``path``, ``file_id``), ``label``, ``decision``.

    And if wanted ``words``, separated by semicolons, and ``comment``.

    Raises
    ------
    DecisionTableError
        If it is no such table, or has more than so many rows.
    """
    try:
        content = to_storable(text).removeprefix("\ufeff")
        reader = csv.DictReader(io.StringIO(content, newline=""), restval="")
        names = set(reader.fieldnames or ())
        file = next((name for name in _FILE if name in names), None)
        if file is None or not names >= {"label", "decision"}:
            raise DecisionTableError(
                "The table needs a header with the columns file, label and decision.",
                hint="It may have words and comment too.",
            )
        rows: list[DecisionRow] = []
        for values in reader:
            if len(rows) == most:
                raise DecisionTableError(
                    f"The table has more than {most:,} rows.", hint="Split it; nothing was decided."
                )
            rows.append(_row(reader.line_num, values[file], values))
    except csv.Error as error:
        raise DecisionTableError(f"This is no CSV: {error}.") from error
    return rows


def _row(line: int, file: str, values: dict[str, str]) -> DecisionRow:
    words = (word.strip() for word in values.get("words", "").split(";"))
    return DecisionRow(
        line,
        file.strip(),
        values["label"].strip(),
        values["decision"].strip().lower(),
        tuple(word for word in words if word),
        values.get("comment", "").strip(),
    )


def write_rows(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a table.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP
    advises against CSV injection.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in chain([header], rows):
        writer.writerow([_safe(str(cell)) for cell in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
