"""What the search asks of a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from django.db.models import Func, Q, QuerySet

from earmark.search import keys
from earmark.search.documents import Document
from earmark.search.models import SearchDocument
from earmark.search.query import Query


class Tier(IntEnum):
    """How near to a file the wanted words are, the nearest first; no file is in two tiers."""

    NAME = 1
    """All of them in its name."""
    OWN = 2
    """All of them in its name or its tags."""
    ANY = 3
    """Some of them only in synonyms, ancestors or folders."""


@dataclass(frozen=True)
class Wanted:
    """What a file must have: words, and of each group of keys at least one."""

    query: Query = field(default_factory=Query)
    keys: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.query or self.keys)

    def within(self, slices: Iterable[int]) -> Wanted:
        """Return the same in some slices of the index only."""
        group = tuple(keys.slice_key(number) for number in slices)
        return Wanted(self.query, (*self.keys, group))


@dataclass(frozen=True)
class Nearby:
    """A word of the index that looks like another; `similarity` in [0, 1]."""

    text: str
    similarity: float
    files: int


class SearchBackend(Protocol):
    """One database's full text search.

    Attributes
    ----------
    has_first_slice : bool
        Whether the places of the first slice of the index have an index of words of their own:
        then they are asked for by place, not by the key of the slice.
    """

    has_first_slice: bool

    def store(self, documents: Sequence[Document]) -> None:
        """Keep documents, in place of what was kept of them."""
        ...

    def remove(self, places: Collection[int]) -> None:
        """Forget documents."""
        ...

    def matches(self, wanted: Wanted, tier: Tier | None = None) -> Func:
        """Return the condition that a `SearchDocument` has what is wanted, in one tier or any."""
        ...

    def rank(
        self, documents: QuerySet[SearchDocument], query: Query, most: int
    ) -> list[tuple[float, int, int]] | None:
        """Say how well documents answer a query, the higher the better.

        Returns
        -------
        list of (float, int, int) or None
            Score, place and file id, in no order; None if there are more than `most`.
        """
        ...

    def rank_all(
        self, documents: QuerySet[SearchDocument], query: Query, most: int
    ) -> dict[Tier, list[tuple[float, int, int]]] | None:
        """Rank the files of all tiers at once.

        Returns
        -------
        dict of Tier to list of (float, int, int), or None
            As of `rank`; None also where it is cheaper to ask for one tier after the other.
        """
        ...

    def nearby(self, word: str, libraries: Collection[int] | None) -> list[Nearby]:
        """Return the words of the index that look most like one that was not found."""
        ...

    def begins_with(self, prefix: str) -> Q:
        """Return the condition that a `SearchTerm` begins with a folded text."""
        ...

    def is_one_of(self, column: str, numbers: Collection[int]) -> Q | Func:
        """Return the condition that a column is one of some hundred numbers."""
        ...

    def steady_plans(self) -> AbstractContextManager[None]:
        """Within this no query walks the whole table because the planner guessed wrong."""
        ...
