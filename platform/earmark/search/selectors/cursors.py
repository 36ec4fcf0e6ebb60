"""Where a page of found files ends, as a text that leads on to the next."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from earmark.core.database import LARGEST_INTEGER
from earmark.core.text import to_storable
from earmark.search.backends import Tier
from earmark.search.errors import InvalidSearchError

_LONGEST = 1000


@dataclass(frozen=True)
class Cursor:
    """The last file of a page.

    Attributes
    ----------
    sort : str
    value : float or str
        What the file is sorted by; 0 where it is only `place`.
    place : int
        Of the file, among those of the same value.
    tier : int
        Of files sorted by relevance; else 0.
    ranked : bool
        Whether the files of the tier are ranked, or too many for that; in other orders, whether
        the files that fit are few.
    """

    sort: str
    value: float | str
    place: int
    tier: int = 0
    ranked: bool = False

    def as_text(self) -> str:
        """Return the text that stands for it."""
        values = [self.sort, self.value, self.place, self.tier, self.ranked]
        packed = json.dumps(values, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str, sort: str, kind: type) -> Cursor:
    """Read what `Cursor.as_text` gave.

    Raises
    ------
    InvalidSearchError
        If it is no cursor, or one of files in another order.
    """
    try:
        packed = base64.urlsafe_b64decode(text[:_LONGEST] + "=" * (-len(text[:_LONGEST]) % 4))
        values = json.loads(packed)
        known, value, place, tier, ranked = values
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidSearchError("This is not a cursor of a search.") from error
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = isinstance(value, str) if kind is str else number and abs(value) <= LARGEST_INTEGER
    if known != sort or not fits or not _is_whole(place) or tier not in (0, *Tier):
        raise InvalidSearchError(
            "This cursor is of files in another order.", hint="Begin again without a cursor."
        )
    return Cursor(sort, to_storable(value), place, int(tier), bool(ranked))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_INTEGER
