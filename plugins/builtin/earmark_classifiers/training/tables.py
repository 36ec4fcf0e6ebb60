"""CSV files that say which sounds have which labels."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from earmark_classifiers.training.errors import BadTableError, DataNotFoundError, EmptyClassError
from earmark_files.paths import display

SPLITS = frozenset({"", "train", "val"})
_NEEDED = frozenset({"path", "label"})


@dataclass(frozen=True)
class TableRow:
    """One line of the table; `path` is absolute or relative to the working folder.

    An empty `label` says that the sound is of none of the classes.
    """

    path: Path
    label: str
    split: str
    group: str


def read_table(path: Path, *, negatives: bool = False) -> list[TableRow]:
    """Read the rows of a table; other columns than the four are ignored.

    Parameters
    ----------
    path : Path
    negatives : bool
        Whether a row may have no label.

    Raises
    ------
    BadTableError
        If it is no UTF-8 CSV with a header, or a row lacks a value or names an unknown split.
    DataNotFoundError
        If a sound it names is not there.
    EmptyClassError
        If it has no rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            if not set(reader.fieldnames or ()) >= _NEEDED:
                raise BadTableError(
                    f"{display(path)} needs a header with the columns path and label "
                    "(split and group if wanted)."
                )
            rows = [_row(path, number, told, negatives) for number, told in enumerate(reader, 2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTableError(f"{display(path)} is not a CSV file in UTF-8: {error}.") from error
    if not rows:
        raise EmptyClassError(f"{display(path)} lists no sounds.")
    _require_files(path, rows)
    return rows


def _row(table: Path, number: int, told: dict[str, str], negatives: bool) -> TableRow:
    where = f"{display(table)}, row {number}"
    values = {name: (told.get(name) or "").strip() for name in ("path", "label", "split", "group")}
    if not values["path"] or not (values["label"] or negatives):
        raise BadTableError(f"{where} has no path or no label.")
    if values["split"] not in SPLITS:
        raise BadTableError(f"{where}: the split {values['split']!r} is neither train nor val.")
    values["path"] = str(table.parent / values["path"])
    return TableRow(Path(values.pop("path")), **values)


def _require_files(table: Path, rows: list[TableRow]) -> None:
    missing = [row.path for row in rows if not row.path.is_file()]
    if missing:
        raise DataNotFoundError(
            f"{len(missing)} of the sounds that {display(table)} lists are not there; the first "
            f"is {display(missing[0])}. Paths are relative to the table."
        )
