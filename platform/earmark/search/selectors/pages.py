"""What is asked of a search, and the page that it answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from earmark.search.selectors.filters import Filters


class Sort(StrEnum):
    """What found files are sorted by; a minus in front turns it round."""

    RELEVANCE = "relevance"
    NAME = "name"
    NAME_DOWN = "-name"
    DURATION = "duration"
    DURATION_DOWN = "-duration"
    DATE = "date"
    DATE_DOWN = "-date"
    CONFIDENCE_DOWN = "-confidence"


@dataclass(frozen=True)
class Request:
    """What somebody wants to find.

    Attributes
    ----------
    text : str
        As typed; see `earmark.search.query`.
    filters : Filters
    sort : Sort or None
        None: by relevance where there are words, else the newest first.
    cursor : str
        Of the page before; empty for the first.
    page_size : int
    """

    text: str = ""
    filters: Filters = field(default_factory=Filters)
    sort: Sort | None = None
    cursor: str = ""
    page_size: int = 50


@dataclass(frozen=True)
class Total:
    """How many files fit; if not `exact`, at least so many."""

    value: int
    exact: bool


@dataclass(frozen=True)
class Hit:
    """A file that fits; `value` is what it is sorted by, the rest as in `Cursor`."""

    place: int
    file_id: int
    value: float | str
    tier: int = 0
    ranked: bool = False


@dataclass(frozen=True)
class Page:
    """Files that fit, in order.

    Attributes
    ----------
    hits : list of Hit
    next : str
        Cursor of the next page; empty if this is the last one.
    sort : Sort
        The order.
    total : Total or None
        With the first page only.
    complete : bool
        Whether the index knew of all changes.
    """

    hits: list[Hit]
    next: str
    sort: Sort
    total: Total | None
    complete: bool

    @property
    def scores(self) -> dict[int, float]:
        """How well the files answer the words, by file id; empty in other orders."""
        ranked = (hit for hit in self.hits if hit.ranked and hit.tier)
        return {hit.file_id: hit.value for hit in ranked if isinstance(hit.value, float)}
