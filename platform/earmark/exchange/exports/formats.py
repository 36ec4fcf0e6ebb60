"""The forms in which files and their tags leave Earmark: values in, bytes out. Pure functions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from earmark.exchange.exports.cells import neutralise, one_line
from earmark.exchange.exports.values import ExportedFile, ExportedTag

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Without it spreadsheets take UTF-8 for the characters of an old Windows."""

_Cell = Callable[[ExportedFile], str]


@dataclass(frozen=True)
class ExportFormat:
    """One form.

    Attributes
    ----------
    name : str
        As on the command line.
    media_type : str
        With the encoding, for HTTP.
    suffix : str
        Of a file that holds it.
    heading : bytes
        What stands before the first file.
    encode : callable
        From some files to their bytes.
    """

    name: str
    media_type: str
    suffix: str
    heading: bytes
    encode: Callable[[Iterable[ExportedFile]], bytes]


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _scored(tags: Iterable[ExportedTag]) -> str:
    return "; ".join(
        tag.name if tag.confidence is None else f"{tag.name} {tag.confidence:.2f}" for tag in tags
    )


CSV_COLUMNS: Mapping[str, _Cell] = MappingProxyType(
    {
        "id": lambda file: str(file.id),
        "library": lambda file: file.library,
        "path": lambda file: file.path,
        "duration": lambda file: _number(file.duration),
        "sample_rate": lambda file: _number(file.sample_rate),
        "channels": lambda file: _number(file.channels),
        "format": lambda file: file.container,
        "catid": lambda file: file.catid,
        "category": lambda file: file.category,
        "subcategory": lambda file: file.subcategory,
        "description": lambda file: file.description,
        "keywords": lambda file: "; ".join(file.keywords),
        "tags": lambda file: _scored(tag for tag in file.tags if tag.decision == "accept"),
        "review": lambda file: _scored(tag for tag in file.tags if tag.decision == "review"),
        "audio_hash": lambda file: file.audio_hash,
    }
)

_METADATA: Mapping[str, _Cell] = MappingProxyType(
    {
        "Description": lambda file: file.description,
        "Keywords": lambda file: ", ".join(file.keywords),
        "Category": lambda file: file.category,
        "SubCategory": lambda file: file.subcategory,
        "CatID": lambda file: file.catid,
        "CategoryFull": lambda file: "-".join(filter(None, (file.category, file.subcategory))),
        "Library": lambda file: file.library,
    }
)
SOUNDMINER_COLUMNS: Mapping[str, _Cell] = MappingProxyType(
    {
        "Filename": lambda file: file.name,
        "FilePath": lambda file: file.location,
        **_METADATA,
    }
)
"""Soundminer's own names of fields, as it writes them into iXML, and how it finds the file."""

BASEHEAD_COLUMNS: Mapping[str, _Cell] = MappingProxyType(
    {
        "File Name": lambda file: file.name,
        "Path": lambda file: file.location,
        **_METADATA,
    }
)
"""The same fields; BaseHead calls the columns by which it finds a file otherwise."""


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows as RFC 4180 has them."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8")


def _tsv(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows parted by tabs, in which quotation marks are just quotation marks."""
    lines = ("\t".join(neutralise(one_line(cell)) for cell in row) for row in rows)
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


def _rows(columns: Mapping[str, _Cell], files: Iterable[ExportedFile]) -> Iterable[list[str]]:
    return ([cell(file) for cell in columns.values()] for file in files)


def _members(value: ExportedFile | ExportedTag) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}


def _json_lines(files: Iterable[ExportedFile]) -> bytes:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_members).encode
    lines = (encode(file) for file in files)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _table(name: str, columns: Mapping[str, _Cell]) -> ExportFormat:
    return ExportFormat(
        name=name,
        media_type="text/tab-separated-values; charset=utf-8",
        suffix=f".{name}.txt",
        heading=_tsv([columns]),
        encode=lambda files: _tsv(_rows(columns, files)),
    )


FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "csv": ExportFormat(
            name="csv",
            media_type="text/csv; charset=utf-8; header=present",
            suffix=".csv",
            heading=BYTE_ORDER_MARK + _csv([CSV_COLUMNS]),
            encode=lambda files: _csv(_rows(CSV_COLUMNS, files)),
        ),
        "soundminer": _table("soundminer", SOUNDMINER_COLUMNS),
        "basehead": _table("basehead", BASEHEAD_COLUMNS),
        "jsonl": ExportFormat(
            name="jsonl",
            media_type="application/jsonl; charset=utf-8",
            suffix=".jsonl",
            heading=b"",
            encode=_json_lines,
        ),
    }
)
"""Forms with any number of files, by name."""
