"""Settings of a policy as people type them, on a command line or into a form.

Lists are separated by semicolons or lines, for names of labels hold commas. A threshold of a
label is ``Dog = 0.5``. ``none`` is no limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from earmark.tagging.knowledge.policy import InvalidPolicyError, TagPolicy

_LISTS = frozenset({"denied", "allowed", "languages"})
_WORDS = frozenset({"combine", "parents"})
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


def read_setting(name: str, text: str) -> Any:
    """Return the plain value that a text means, for `TagPolicy.from_values`.

    Raises
    ------
    InvalidPolicyError
        If it means none.
    """
    text = text.strip()
    if name in _WORDS:
        return text
    if name in _LISTS:
        return _parts(text)
    if name == "label_thresholds":
        return dict(_threshold(part) for part in _parts(text))
    if name == "search_hypernyms":
        if text.casefold() not in _FLAGS:
            raise InvalidPolicyError(f"{name} is yes or no, not {text!r}")
        return _FLAGS[text.casefold()]
    if text.casefold() in ("none", ""):
        return None
    try:
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError as error:
        raise InvalidPolicyError(f"{name} needs a number, not {text!r}") from error


def write_setting(value: Any, *, separator: str = "; ") -> str:
    """Return a plain value of `TagPolicy.values` as a text that `read_setting` takes."""
    if isinstance(value, Mapping):
        return separator.join(f"{name} = {number:g}" for name, number in value.items())
    if isinstance(value, list | tuple):
        return separator.join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def differences(old: TagPolicy, new: TagPolicy) -> list[str]:
    """Return what has changed between two policies, a setting a line."""
    before, after = old.values, new.values
    return [
        f"{name}: {write_setting(before[name]) or '-'} -> {write_setting(after[name]) or '-'}"
        for name in after
        if before[name] != after[name]
    ]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]


def _threshold(part: str) -> tuple[str, float]:
    name, equals, number = part.rpartition("=")
    try:
        if not equals or not name.strip():
            raise ValueError(part)
        return name.strip(), float(number)
    except ValueError as error:
        raise InvalidPolicyError(
            f"a threshold of a label is written as in 'Dog = 0.5', not {part!r}"
        ) from error
