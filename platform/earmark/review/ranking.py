"""The place of an item in the queue, as one number that a database keeps in an index.

Most uncertain first; of equally uncertain ones one of each cluster before the second of any; then
those whose file has been known the longest. What was put off comes after all that was not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LEVELS = 10
"""Steps of uncertainty, 0 first: within a step it is diversity that counts."""

_FILE_BITS, _PLACE_BITS, _URGENCY_BITS, _SKIP_BITS = 36, 16, 4, 7


@dataclass(frozen=True, slots=True)
class Rank:
    """What makes the place of an item.

    Attributes
    ----------
    urgency : int
        Below `LEVELS`; 0 is the most uncertain.
    place : int
        How many of its cluster came before it.
    file_id : int
    skips : int
        How often somebody has put it off.
    """

    urgency: int
    place: int
    file_id: int
    skips: int = 0

    @property
    def number(self) -> int:
        """The number that is stored; the lower, the sooner. What does not fit counts as most."""
        number = 0
        for value, bits in (
            (self.skips, _SKIP_BITS),
            (self.urgency, _URGENCY_BITS),
            (self.place, _PLACE_BITS),
            (self.file_id, _FILE_BITS),
        ):
            number = number << bits | min(value, (1 << bits) - 1)
        return number

    @classmethod
    def read(cls, number: int) -> Rank:
        """Return what a stored number was made of."""
        values = []
        for bits in (_FILE_BITS, _PLACE_BITS, _URGENCY_BITS, _SKIP_BITS):
            values.append(number & (1 << bits) - 1)
            number >>= bits
        file_id, place, urgency, skips = values
        return cls(urgency, place, file_id, skips)

    def skipped(self, times: int = 1) -> Rank:
        """Return this place, put off once more; with -1 once less."""
        return replace(self, skips=max(0, self.skips + times))
