"""The Description of a Broadcast Audio Extension chunk (EBU Tech 3285); nothing else in it."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

DESCRIPTION_BYTES = 256
FIXED_BYTES = 602
_VERSION_OFFSET = 346

_ASCII = str.maketrans(
    {
        "ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Đ": "D",
        "đ": "d", "Ł": "L", "ł": "l", "Þ": "Th", "þ": "th", "ð": "d", "Ð": "D", "ı": "i",
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "•": "*", "×": "x", "÷": "/",
    }
)  # fmt: skip


def fold_to_ascii(text: str) -> str:
    """Write accented letters without accents and typographic marks plainly; drop the rest.

    Returns
    -------
    str
        ASCII, never with a substitute such as ``?``. Empty when more than half of the letters
        would be lost, because what is left would say something else.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII))
    folded = "".join(c for c in plain if " " <= c <= "~")
    letters = sum(c.isalnum() for c in text)
    if 2 * sum(c.isalnum() for c in folded) < letters:
        return ""
    return " ".join(folded.split())


@lru_cache(maxsize=256)
def encode_description(text: str) -> str:
    """Return what 256 bytes of ASCII can hold of `text`, cut at a word; a plan asks often."""
    folded = fold_to_ascii(text)
    if len(folded) <= DESCRIPTION_BYTES:
        return folded
    cut = folded[: DESCRIPTION_BYTES + 1]
    return cut.rsplit(" ", 1)[0] if " " in cut else cut[:DESCRIPTION_BYTES]


def read_description(body: bytes) -> str:
    """Return the Description; bytes that are not ASCII are read as UTF-8, else Latin-1."""
    raw = body[:DESCRIPTION_BYTES].split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.strip()


def write_description(body: bytes | None, text: str) -> bytes:
    """Return the chunk body with another Description.

    Parameters
    ----------
    body : bytes or None
        At least 602 bytes of an existing chunk, everything after the Description is kept;
        None makes a version 1 chunk that states nothing else.
    text : str
        At most 256 ASCII characters.
    """
    fresh = bytearray(FIXED_BYTES)
    fresh[_VERSION_OFFSET] = 1
    rest = (bytes(fresh) if body is None else body)[DESCRIPTION_BYTES:]
    return text.encode("ascii").ljust(DESCRIPTION_BYTES, b"\0") + rest
