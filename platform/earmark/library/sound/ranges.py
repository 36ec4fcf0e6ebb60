"""Which bytes of a file a request wants: RFC 9110, sections 13 and 14. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from earmark.library.sound.errors import RangeNotSatisfiableError

_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Bytes from `first` on, `length` of them, out of `size`."""

    first: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        """Value of the header of a 206 answer."""
        return f"bytes {self.first}-{self.first + self.length - 1}/{self.size}"


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the range a header asks for; None for the whole file.

    What is no range of bytes is as if it were not there, and so are several ranges at once: a
    server may answer those with the whole file, and players do not ask for them.

    Parameters
    ----------
    header : str
        Value of ``Range``.
    size : int
        Of the file, in bytes.

    Raises
    ------
    RangeNotSatisfiableError
        If none of the bytes is there.
    """
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        return _require(ByteRange(size - length, length, size))
    begin = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < begin:
        return None  # no range at all
    return _require(ByteRange(begin, end - begin + 1, size))


def _require(found: ByteRange) -> ByteRange:
    if found.length <= 0:
        raise RangeNotSatisfiableError(
            f"The file has only {found.size} bytes.", context={"size": found.size}
        )
    return found


def counts(if_range: str | None, etag: str) -> bool:
    """Say whether a range still counts: the file is the one of which the client has a part.

    Only tags can say so. A time has whole seconds, and a file may change twice in one.
    """
    return if_range is None or if_range.strip() == etag
