"""Words that look alike, found by comparing: for databases without an index of trigrams."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models.functions import Length

from earmark.search.backends.base import Nearby
from earmark.search.models import SearchTerm
from earmark.search.spelling import THRESHOLD, similarity

SUGGESTIONS = 3
_COMPARED_WORDS = 20_000


def compare_words(word: str, libraries: Collection[int] | None) -> list[Nearby]:
    """Compare a word with the most frequent ones of about the same length."""
    terms = SearchTerm.objects.annotate(length=Length("text")).filter(
        kind=SearchTerm.Kind.WORD, length__gte=len(word) - 2, length__lte=len(word) + 2
    )
    if libraries is not None:
        terms = terms.filter(library_id__in=libraries)
    files: dict[str, int] = {}
    for text, number in terms.order_by("-files").values_list("text", "files")[:_COMPARED_WORDS]:
        files[text] = files.get(text, 0) + number
    told = (Nearby(text, similarity(word, text), number) for text, number in files.items())
    likely = [one for one in told if one.similarity >= THRESHOLD]
    return sorted(likely, key=lambda one: (-one.similarity, -one.files, one.text))[:SUGGESTIONS]
