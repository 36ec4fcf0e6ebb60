"""What files are in UCS, and what they could be called. Changes nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark.library.models import AudioFile
from earmark.tagging.knowledge.ucs import UcsCategory, catid_from_filename, load_ucs
from earmark.tagging.knowledge.ucs_names import (
    NameParts,
    fold_file_name,
    propose_name,
    split_name,
    unique_name,
)
from earmark.tagging.models import TagSet
from earmark.tagging.selectors import get_tags
from earmark_files.metadata import MetadataError, read_tags
from earmark_files.paths import path_to_text
from earmark_files.selection import is_audio_name


@dataclass(frozen=True)
class FileUcs:
    """The place of a file in UCS.

    Attributes
    ----------
    line : UcsCategory or None
        Its line of the list; None where nothing tells one.
    confidence : float
        In [0, 1]; 1 where the file's own name says it.
    source : str
        ``name``, ``tags`` or "".
    runners_up : tuple of (str, float)
        Other CatIDs the tags speak for, surest first.
    """

    line: UcsCategory | None
    confidence: float
    source: str
    runners_up: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class RenamePlan:
    """The new name of a file.

    Attributes
    ----------
    file : AudioFile
    ucs : FileUcs
    name : str
        New name; the present one where that is right, "" where there is no CatID.
    sidecars : tuple of (str, str)
        Present and new names of the files that go with it.
    """

    file: AudioFile
    ucs: FileUcs
    name: str
    sidecars: tuple[tuple[str, str], ...] = ()

    @property
    def is_noop(self) -> bool:
        """Whether the file keeps its name."""
        return self.name in ("", self.file.location.name)


def get_ucs(file: AudioFile) -> FileUcs:
    """Return the place of a file in UCS; a CatID in its name goes before its tags."""
    told = TagSet.objects.filter(file=file).first()
    ranked: list[tuple[str, float]] = []
    if told is not None and told.catid:
        ranked = [(told.catid, told.catid_confidence or 0.0), *map(_pair, told.catid_runners_up)]
    named = catid_from_filename(file.location.name)
    if named is not None:
        others = tuple(entry for entry in ranked if entry[0] != named)
        return FileUcs(load_ucs()[named], 1.0, "name", others)
    known = [entry for entry in ranked if entry[0] in load_ucs()]
    if not known:
        return FileUcs(None, 0.0, "", ())
    (catid, confidence), *rest = known
    return FileUcs(load_ucs()[catid], confidence, "tags", tuple(rest))


def plan_renames(files: Sequence[AudioFile], *, creator: str, source: str) -> list[RenamePlan]:
    """Propose a UCS name for every file; no two alike, and none that is taken in its folder.

    Names count as alike when some file system holds them for one: whatever their case and the
    composition of their letters.
    """
    names = get_tags(file_ids=[file.pk for file in files])
    taken: dict[Path, Counter[str]] = {}
    plans = []
    for file in files:
        folder = file.location.parent
        if folder not in taken:
            taken[folder] = _taken_in(folder, file)
        ucs = get_ucs(file)
        if ucs.line is None:
            plans.append(RenamePlan(file, ucs, ""))
            continue
        tags = tuple(
            tag.name for tag in names[file.pk] if _is_accepted_label(tag.decision, tag.origin)
        )
        parts = NameParts(ucs.line.catid, creator, source, tags, _description(file))
        plans.append(_plan(file, ucs, propose_name(file.location.name, parts), taken[folder]))
    return plans


def sidecars_of(location: Path) -> list[str]:
    """Return the names of the files that belong to a sound, by their own names.

    These are ``name.wav.*``, and ``name.*`` where no other sound is called ``name``; never
    sounds themselves.
    """
    try:
        entries = sorted(entry.name for entry in location.parent.iterdir() if entry.is_file())
    except FileNotFoundError:
        return []
    stem, _ = split_name(location.name)
    sounds = {name for name in entries if is_audio_name(os.fsencode(name))}
    alike = {name for name in entries if split_name(name)[0] == stem}
    beside = alike if len(alike & sounds) == 1 else set()
    behind = {name for name in entries if name.startswith(f"{location.name}.")}
    others = tuple(f"{name}." for name in behind & sounds)  # "take.wav.mp3", made of "take.wav"
    return sorted(name for name in (beside | behind) - sounds if not name.startswith(others))


def _plan(file: AudioFile, ucs: FileUcs, wanted: str, taken: Counter[str]) -> RenamePlan:
    present = file.location.name
    if wanted == present:
        return RenamePlan(file, ucs, present)
    taken[fold_file_name(present)] -= 1  # its own name is free for it
    name = unique_name(wanted, {fold for fold, number in taken.items() if number > 0})
    taken[fold_file_name(name)] += 1
    stem, new_stem = split_name(present)[0], split_name(name)[0]
    pairs = []
    for old in sidecars_of(file.location):
        whole = old.startswith(f"{present}.")
        pairs.append((old, name + old[len(present) :] if whole else new_stem + old[len(stem) :]))
        taken[fold_file_name(pairs[-1][1])] += 1
    return RenamePlan(file, ucs, name, tuple(pairs))


def _taken_in(folder: Path, file: AudioFile) -> Counter[str]:
    """Return how often each folded name is used in a folder, on disk and by the library's rows."""
    names = {path_to_text(entry.name) for entry in folder.iterdir()} if folder.is_dir() else set()
    below = file.path.rpartition("/")[0]
    rows = AudioFile.objects.filter(library=file.library)
    rows = rows.under(below) if below else rows.exclude(path__contains="/")
    for path in rows.values_list("path", flat=True):
        if path.rpartition("/")[0] == below:
            names.add(path.rpartition("/")[2])
    return Counter(fold_file_name(name) for name in names)


def _description(file: AudioFile) -> str:
    try:
        return read_tags(file.location).get("description")
    except MetadataError:  # a format that holds no tags describes nothing
        return ""


def _is_accepted_label(decision: str, origin: str) -> bool:
    return decision == "accept" and origin == "classifier"


def _pair(entry: Sequence[object]) -> tuple[str, float]:
    return str(entry[0]), float(str(entry[1]))
