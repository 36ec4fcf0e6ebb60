"""Finding copies among training sounds, which must not be on both sides of a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earmark_classifiers.training.data import LabelledClip


def group_copies(clips: Sequence[LabelledClip]) -> list[LabelledClip]:
    """Join the groups of files with the same bytes.

    Only files of equal size are read. One that cannot be read stays as it is; decoding will say
    what is wrong with it.
    """
    by_size: dict[int, list[LabelledClip]] = defaultdict(list)
    for clip in clips:
        by_size[_size(clip.path)].append(clip)
    joined = _Joined()
    for same_size in by_size.values():
        if len(same_size) < 2:
            continue
        first_with: dict[str, str] = {}
        for clip in same_size:
            digest = _digest(clip.path)
            if digest is not None:
                joined.join(first_with.setdefault(digest, clip.group), clip.group)
    return [replace(clip, group=joined.name(clip.group)) for clip in clips]


class _Joined:
    """Groups that turned out to be one: the first of them names it."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def name(self, group: str) -> str:
        while group in self._first:
            group = self._first[group]
        return group

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.name(one), self.name(other)))
        if first != second:
            self._first[second] = first


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
