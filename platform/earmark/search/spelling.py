"""How much two words look alike: by the threes of letters they share, as ``pg_trgm`` counts."""

from __future__ import annotations

THRESHOLD = 0.3
"""Words below that are not alike."""


def similarity(one: str, other: str) -> float:
    """Return the share of trigrams that two words have in common, in [0, 1]."""
    a, b = _trigrams(one), _trigrams(other)
    return len(a & b) / len(a | b)


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
