"""Changes of a studio's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from earmark.library.models import Library
from earmark.tagging.knowledge.thesaurus import Entry
from earmark.tagging.models import ThesaurusEntry
from earmark.tagging.selectors import entry_of, list_thesaurus


@dataclass(frozen=True)
class Imported:
    """What an import did, in numbers of entries."""

    added: int
    changed: int
    unchanged: int
    removed: int


@transaction.atomic
def import_thesaurus(
    *, entries: Sequence[Entry], library: Library | None = None, replace: bool = False
) -> Imported:
    """Take entries over, all or none.

    Parameters
    ----------
    entries : sequence of Entry
        Checked, no two about the same term.
    library : Library, optional
        Whose they are; None is all libraries.
    replace : bool
        Whether entries about other terms go; by default they stay.
    """
    standing = {row.term_key: row for row in list_thesaurus(library=library)}
    told = {entry.key: entry for entry in entries}
    changed = [e for e in told.values() if e.key in standing and entry_of(standing[e.key]) != e]
    added = [entry for entry in told.values() if entry.key not in standing]
    for entry in (*changed, *added):
        save_entry(entry=entry, library=library)
    gone = [row.pk for key, row in standing.items() if key not in told] if replace else []
    ThesaurusEntry.objects.filter(pk__in=gone).delete()
    unchanged = len(told) - len(changed) - len(added)
    return Imported(len(added), len(changed), unchanged, len(gone))


def save_entry(*, entry: Entry, library: Library | None = None) -> ThesaurusEntry:
    """Store what a studio says about a term, in place of what it said before."""
    row, _ = ThesaurusEntry.objects.update_or_create(
        library=library,
        term_key=entry.key,
        defaults={
            "term": entry.term,
            "preferred": entry.preferred,
            "synonyms": None if entry.synonyms is None else list(entry.synonyms),
            "forbidden": list(entry.forbidden),
            "translations": dict(entry.translations),
        },
    )
    return row
