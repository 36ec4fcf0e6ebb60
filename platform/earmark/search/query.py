"""What people type into a search box, read.

``rain metal`` both words, the last one may go on (``met`` finds metal); ``"on metal"`` in this
order; ``-dog`` not; ``rain OR hail metal`` one of the first two, and metal. There is no wrong
query: what cannot be meant as a sign is a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from earmark.search.words import words_of

MAX_TERMS = 32
"""More words than that are not read: nobody types them, and each costs time."""

SHORTEST_PREFIX = 3
"""So many letters an unfinished word must have to stand for all that begin with it."""

LEFT_OUT = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
"""Words that say nothing in a query; they count in phrases, and where there is nothing else."""

_PARTS = re.compile(r'(-?)"([^"]*)"?|(\S+)')


@dataclass(frozen=True)
class Term:
    """Words that have to follow each other; one alone is the usual case.

    Attributes
    ----------
    words : tuple of str
        Never empty; see `earmark.search.words`.
    prefix : bool
        Whether the last word may go on.
    """

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Query:
    """What has to be in a file and what must not.

    Attributes
    ----------
    groups : tuple of tuple of Term
        Of each group one term has to be there.
    without : tuple of Term
        None of these may be there.
    """

    groups: tuple[tuple[Term, ...], ...] = ()
    without: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.groups or self.without)

    @property
    def words(self) -> list[str]:
        """All wanted words, once each, in their order."""
        found = (word for group in self.groups for term in group for word in term.words)
        return list(dict.fromkeys(found))


def parse_query(text: str) -> Query:
    """Read what somebody typed."""
    groups: list[list[Term]] = []
    without: list[Term] = []
    spoken: list[bool] = []  # of each group, whether it is more than a word such as "on"
    joined = False
    parts = _PARTS.findall(text)[:MAX_TERMS]
    for number, (minus, phrase, bare) in enumerate(parts):
        if bare == "OR" and groups and number + 1 < len(parts):
            joined = True
            continue
        negated = bool(minus) or (bare.startswith("-") and len(bare) > 1)
        words = words_of(phrase or bare)
        if not words:
            continue
        last = bool(bare) and number == len(parts) - 1 and not negated
        term = Term(words, prefix=last and len(words[-1]) >= SHORTEST_PREFIX)
        if negated:
            without.append(term)
        elif joined:
            groups[-1].append(term)
            spoken[-1] = True
        else:
            groups.append([term])
            spoken.append(bool(phrase) or bare.lower() not in LEFT_OUT)
        joined = False
    if any(spoken):
        groups = [group for group, said in zip(groups, spoken, strict=True) if said]
    return Query(tuple(map(tuple, groups)), tuple(without))
