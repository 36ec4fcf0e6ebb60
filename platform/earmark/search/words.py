"""Text taken apart into the words of the index, the same way for files and for what people type.

A word is in small letters, without diacritics, and in the singular as far as English endings tell.
``HighPitched`` and ``Rain01`` are two words each, a Chinese character is one of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

LONGEST_WORD = 64
"""Longer words are cut: no index takes words of any length."""

_HUMPS = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zß-ÿ])")
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(r"[^\W_]+")
_PIECE = re.compile(rf"[{_IDEOGRAPH}]|\d+|[^\W\d_{_IDEOGRAPH}]+")
_BYTES = re.compile(r"\\x[0-9a-f]{2}")
_SIBILANT = ("sses", "shes", "ches", "xes", "zes")


@lru_cache(maxsize=10_000)  # tags and what is above them are the same in many files
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order, each as it is searched for."""
    return tuple(stem(word) for word in plain_words(text))


@lru_cache(maxsize=10_000)
def plain_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in their order, without taking endings off."""
    return tuple(piece for run in _runs(text) for piece in run)


def compounds_of(text: str) -> list[str]:
    """Return what is written as one word but was taken apart: ``highpitched``, ``rain01``."""
    return [
        "".join(run)[:LONGEST_WORD]
        for run in _runs(text)
        if len(run) > 1 and not any("\u3040" <= piece[0] <= "\uffff" for piece in run)
    ]


def stem(word: str) -> str:
    """Take the ending of an English plural off.

    After Harman (1991), "How effective is suffixing?", with the plurals of hissing sounds
    (``splashes``, ``boxes``) beside those of his three rules.
    """
    if len(word) <= 3 or not word.endswith("s") or not word.isascii():
        return word
    if word.endswith(_SIBILANT):
        return word[:-2]
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    return word if word.endswith(("us", "ss", "is")) else word[:-1]


def fold(text: str) -> str:
    """Return a text in small letters and without diacritics."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    kept = "".join(char for char in apart if not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept).casefold()


def _runs(text: str) -> Iterator[list[str]]:
    """Yield what stands between spaces and signs, each as the words it is made of."""
    for run in _RUN.findall(_BYTES.sub(" ", unicodedata.normalize("NFC", text))):
        pieces = (piece for part in _HUMPS.split(run) for piece in _PIECE.findall(fold(part)))
        yield [piece[:LONGEST_WORD] for piece in pieces]
