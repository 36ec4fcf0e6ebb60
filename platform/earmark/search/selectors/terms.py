"""Tags, words and categories to choose from, with how many files have them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import QuerySet, Sum

from earmark.core.text import to_storable
from earmark.search.backends import search_backend
from earmark.search.models import SearchTerm
from earmark.search.words import fold, plain_words, words_of
from earmark.tagging.knowledge import load_ucs

_LONGEST = 200
_CORRECTED_WORDS = 8


@dataclass(frozen=True)
class Suggestion:
    """Something that begins as typed.

    Attributes
    ----------
    kind : str
        ``tag``, ``catid`` or ``word``.
    text : str
        What to search or filter for.
    label : str
        For people: of a CatID its category and subcategory too.
    files : int
    """

    kind: str
    text: str
    label: str
    files: int


def suggest(text: str, *, libraries: Collection[int] | None, limit: int = 10) -> list[Suggestion]:
    """Return what begins with a text: tags first, then categories, then words; frequent first.

    Of two letters there are thousands of words: they are only asked for where there is room.
    """
    folded = fold(to_storable(text))[:_LONGEST].strip()
    if not folded:
        return []
    found = _beginning(SearchTerm.Kind.TAG, folded, libraries, limit)
    if len(found) < limit:
        known = {fold(one.text) for one in found}
        found += _categories(folded, libraries, limit)
        if len(found) < limit:
            words = _beginning(SearchTerm.Kind.WORD, folded, libraries, limit)
            found += (one for one in words if one.text not in known)
    return found[:limit]


def count_tags(*, libraries: Collection[int] | None, prefix: str = "") -> QuerySet[SearchTerm, Any]:
    """Return the tags that files have, as ``{"text", "files"}``, in no order."""
    terms = _terms(SearchTerm.Kind.TAG, libraries)
    if prefix:
        folded = fold(to_storable(prefix))[:_LONGEST]
        terms = terms.filter(search_backend().begins_with(folded))
    return terms.order_by().values("text").annotate(files=Sum("files"))


def correct(text: str, *, libraries: Collection[int] | None) -> list[str]:
    """Return what somebody may have meant who typed a text that nothing fits, likeliest first."""
    words = list(zip(plain_words(text), words_of(text), strict=True))[:_CORRECTED_WORDS]
    backend = search_backend()
    better: dict[str, list[str]] = {}
    for _, word in words:
        if word not in better and not _is_known(word, libraries):
            better[word] = [near.text for near in backend.nearby(word, libraries)]
    most = max(map(len, better.values()), default=0)
    found = (
        " ".join(
            better[word][min(number, len(better[word]) - 1)] if better.get(word) else plain
            for plain, word in words
        )
        for number in range(most)
    )
    return list(dict.fromkeys(found))


def _is_known(word: str, libraries: Collection[int] | None) -> bool:
    terms = _terms(SearchTerm.Kind.WORD, libraries)
    return terms.filter(search_backend().begins_with(word)).exists()


def _terms(kind: str, libraries: Collection[int] | None) -> QuerySet[SearchTerm]:
    terms = SearchTerm.objects.filter(kind=kind)
    return terms if libraries is None else terms.filter(library_id__in=libraries)


def _beginning(
    kind: str, folded: str, libraries: Collection[int] | None, limit: int
) -> list[Suggestion]:
    terms = _terms(kind, libraries).filter(search_backend().begins_with(folded))
    rows = terms.order_by().values_list("text").annotate(number=Sum("files"))
    return [
        Suggestion(kind, text, text, number)
        for text, number in rows.order_by("-number", "text")[:limit]
    ]


def _categories(folded: str, libraries: Collection[int] | None, limit: int) -> list[Suggestion]:
    likely = [
        catid
        for catid, names in _folded_names().items()
        if any(name.startswith(folded) for name in names)
    ]
    if not likely:
        return []
    ucs = load_ucs()
    rows = _terms(SearchTerm.Kind.CATID, libraries).filter(text__in=likely).order_by()
    counted = rows.values_list("text").annotate(number=Sum("files")).order_by("-number", "text")
    return [
        Suggestion("catid", catid, f"{ucs[catid].category} {ucs[catid].subcategory}", number)
        for catid, number in counted[:limit]
    ]


@cache
def _folded_names() -> dict[str, tuple[str, str, str]]:
    return {
        line.catid: (fold(line.catid), fold(line.category), fold(line.subcategory))
        for line in load_ucs().values()
    }
