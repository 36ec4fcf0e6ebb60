"""Text from files and strangers, made fit for a database."""

from __future__ import annotations

import re
from typing import TypeVar, cast

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_T = TypeVar("_T")


def to_storable(value: _T) -> _T:
    """Replace what PostgreSQL cannot store, NUL and lone surrogates, by the replacement character.

    Parameters
    ----------
    value : str or JSON value
        Lists and dictionaries are gone through; values of other kinds stay as they are.
    """
    if isinstance(value, str):
        return cast(_T, _UNFIT.sub("\ufffd", value))
    if isinstance(value, dict):
        return cast(_T, {to_storable(key): to_storable(content) for key, content in value.items()})
    if isinstance(value, list | tuple):
        return cast(_T, [to_storable(content) for content in value])
    return value
