"""Values on command lines: what argparse calls to read them, and refuses them with."""

from __future__ import annotations

from argparse import ArgumentTypeError


def number(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a number") from error


def share(text: str) -> float:
    """Read a part of a whole: more than 0, at most 1."""
    value = number(text)
    if not 0.0 < value <= 1.0:
        raise ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value


def count(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
