"""A thesaurus as a table that people edit in a spreadsheet.

Columns are ``term``, ``preferred``, ``synonyms``, ``forbidden`` and ``translations``; words are
separated by semicolons, translations are ``de=Hund; fr=chien``. Empty synonyms leave a term to
WordNet, a single ``-`` means that it has none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from types import MappingProxyType

from earmark.tagging.knowledge.thesaurus import Entry, problems_of

COLUMNS = ("term", "preferred", "synonyms", "forbidden", "translations")
NO_SYNONYMS = "-"
_MOST_PROBLEMS = 20


class ThesaurusTableError(ValueError):
    """A table is no thesaurus; `problems` says why, each with its line."""

    def __init__(self, problems: list[str]) -> None:
        shown = problems[:_MOST_PROBLEMS]
        if len(problems) > len(shown):
            shown.append(f"... and {len(problems) - len(shown)} more")
        super().__init__("\n".join(shown))
        self.problems = problems


def read_table(content: bytes) -> list[Entry]:
    """Read a UTF-8 table, comma-separated, or by semicolons or tabs if its heading is.

    Raises
    ------
    ThesaurusTableError
        If anything in it is wrong.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ThesaurusTableError([f"line {line}: this is no UTF-8; save it as UTF-8"]) from error
    heading = text.partition("\n")[0]
    delimiter = next((one for one in "\t,;" if one in heading), ",")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        _check_heading(reader.fieldnames)
        return _read_rows(reader)
    except csv.Error as error:
        raise ThesaurusTableError([f"line {reader.line_num}: {error}"]) from error


def write_table(entries: Iterable[Entry]) -> str:
    """Return entries as a table that `read_table` takes back."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([entry.term, entry.preferred, *cells_of(entry)])
    return out.getvalue()


def cells_of(entry: Entry) -> tuple[str, str, str]:
    """Return synonyms, forbidden words and translations as their cells."""
    translations = "; ".join(f"{lang}={word}" for lang, word in sorted(entry.translations.items()))
    synonyms = "" if entry.synonyms is None else "; ".join(entry.synonyms) or NO_SYNONYMS
    return synonyms, "; ".join(entry.forbidden), translations


def read_entry(
    term: str, preferred: str, synonyms: str, forbidden: str, translations: str
) -> tuple[Entry, list[str]]:
    """Read an entry from its cells; return what is wrong with it beside it."""
    problems, words = [], {}
    for part in _words(translations):
        language, equals, word = part.partition("=")
        if not equals or not word.strip():
            problems.append(f"a translation is written as in 'de=Hund', not {part!r}")
        elif language.strip() in words:
            problems.append(f"there are two translations into {language.strip()!r}")
        words[language.strip()] = word.strip()
    entry = Entry(
        term=" ".join(term.split()),
        preferred=" ".join(preferred.split()),
        synonyms=_synonyms(synonyms),
        forbidden=_words(forbidden),
        translations=MappingProxyType(words),
    )
    return entry, problems or problems_of(entry)


def _check_heading(names: Iterable[str | None] | None) -> None:
    found = [(name or "").strip() for name in names or ()]
    missing = [name for name in COLUMNS[:1] if name not in found]
    unknown = [name for name in found if name not in COLUMNS]
    if missing or unknown or len(set(found)) < len(found):
        raise ThesaurusTableError(
            [f"line 1: the columns are {', '.join(COLUMNS)}; here they are {', '.join(found)}"]
        )


def _read_rows(reader: csv.DictReader[str]) -> list[Entry]:
    entries: dict[str, Entry] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for row in reader:
        line = reader.line_num
        if None in row:
            problems.append(f"line {line}: there are more cells than columns")
            continue
        cells = {(name or "").strip(): value or "" for name, value in row.items()}
        entry, wrong = read_entry(*(cells.get(name, "") for name in COLUMNS))
        problems += [f"line {line}: {text}" for text in wrong]
        if entry.key in entries:
            problems.append(f"line {line}: {entry.term!r} stands in line {lines[entry.key]} too")
        entries[entry.key], lines[entry.key] = entry, line
    if problems:
        raise ThesaurusTableError(problems)
    return list(entries.values())


def _synonyms(cell: str) -> tuple[str, ...] | None:
    words = _words(cell)
    if words == (NO_SYNONYMS,):
        return ()
    return words or None


def _words(cell: str) -> tuple[str, ...]:
    parts = (" ".join(part.split()) for part in cell.replace("\n", ";").split(";"))
    return tuple(dict.fromkeys(part for part in parts if part))
