"""Markers in WAV files, written as tags are: planned, proven, undone byte for byte.

A marker of Earmark is a cue point whose comment says so and repeats its name and place. Where
they differ somebody has moved or renamed it: then it is theirs, like every other cue point, and
stays as it is.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark_files.metadata.chunks import Chunk, encode_chunk
from earmark_files.metadata.containers import open_document
from earmark_files.metadata.cue_points import (
    CuePoint,
    CuePoints,
    encode_list,
    encode_points,
    entries_without,
    make_point,
    read_cue_points,
)
from earmark_files.metadata.errors import MetadataError, ReadOnlyError, VerificationError
from earmark_files.metadata.plan import FieldChange, WritePlan
from earmark_files.metadata.planning import (
    Edit,
    open_source,
    plan_edit,
    recover_interrupted,
    snapshot_of,
    writable,
)
from earmark_files.metadata.policy import Policy
from earmark_files.metadata.riff import WavDocument
from earmark_files.metadata.riff_form import parse_form
from earmark_files.metadata.source import Source, Splice, SplicedSource, read_exact

_OWN_ENTRIES = (b"labl", b"ltxt", b"note")


@dataclass(frozen=True)
class Marker:
    """A stretch of a sound with a name.

    Attributes
    ----------
    start, end : float
        In seconds from the beginning of the audio.
    name : str
    detail : str
        What the comment adds, such as ``audioset@1.0.0 0.83``.
    """

    start: float
    end: float
    name: str
    detail: str = ""


@dataclass(frozen=True)
class FoundMarker:
    """A marker of a file.

    Attributes
    ----------
    marker : Marker
        Its `detail` is the whole comment.
    own : bool
        Whether Earmark put it there and nobody has changed it since.
    """

    marker: Marker
    own: bool


def read_markers(path: Path) -> list[FoundMarker]:
    """Return the cue points of a WAV file, in the order of the file.

    Raises
    ------
    MetadataError
        ``unsupported_format`` for other kinds of file, else as `plan_write`.
    """
    with open_source(Path(os.path.realpath(path))) as (source, _):
        _open_wav(source, Policy())
        rate, found = _read(source)
        own = set(_own_points(found, rate))
        return [
            FoundMarker(
                Marker(p.offset / rate, (p.offset + p.length) / rate, p.label, p.note), p in own
            )
            for p in found.points
        ]


def plan_markers(path: Path, markers: Sequence[Marker], policy: Policy | None = None) -> WritePlan:
    """Work out how to give a WAV file these markers of Earmark's instead of its earlier ones.

    Cue points of anybody else stay, with their numbers. No markers at all takes Earmark's away.
    The plan is carried out by `apply` and taken back by `undo`, as one of tags.

    Raises
    ------
    MetadataError
        ``unsupported_format`` for other kinds of file, else as `plan_write`; the file is
        untouched in every case.
    """
    policy = policy or Policy()
    target = Path(os.path.realpath(path))
    recover_interrupted(target)
    with open_source(target) as (source, status):
        document = _open_wav(source, policy)
        if not writable(target, status):
            raise ReadOnlyError(
                "The file, or its folder, must not be written to. Change its permissions, or "
                "export the markers to a file of their own.",
                path=path,
            )
        rate, found = _read(source)
        own = _own_points(found, rate)
        new = _make_points(markers, found, own, rate)
        edit = Edit(
            splices=[] if _say_the_same(own, new) else _splices(document, found, own, new),
            expected={name: text for name, text in document.values.items() if text},
            changes=_changes(own, new),
            notes=document.notes,
        )
        before = snapshot_of(document, source, status.st_mtime_ns)
        plan = plan_edit(path, target, document, source, before, edit, policy)
        _check_on_paper(SplicedSource(source, plan.splices), found, own, new)
        return plan


def _open_wav(source: Source, policy: Policy) -> WavDocument:
    document = open_document(source, policy)
    if not isinstance(document, WavDocument):
        raise MetadataError(
            "Only WAV files hold markers that other programs read. Export them to a file of their "
            "own instead.",
            code="unsupported_format",
        )
    return document


def _read(source: Source) -> tuple[int, CuePoints]:
    """Return the sample rate in hertz and the cue points of a WAV file."""
    form = parse_form(source)
    rate = struct.unpack("<I", read_exact(source, form.format.body + 4, 4))[0]
    if not rate:
        raise MetadataError("The WAV file says a sample rate of 0.", code="malformed_file")
    return rate, read_cue_points(source, form.chunks)


def _comment(name: str, offset: int, length: int, rate: int) -> str:
    """Return how the comment of an own marker begins."""
    return f"Earmark: {name}, {offset / rate:.3f}-{(offset + length) / rate:.3f} s"


def _own_points(found: CuePoints, rate: int) -> list[CuePoint]:
    """Return the points that Earmark made and nobody has changed since."""
    numbers = Counter(point.id for point in found.points)
    return [point for point in found.points if numbers[point.id] == 1 and _is_own(point, rate)]


def _is_own(point: CuePoint, rate: int) -> bool:
    comment = _comment(point.label, point.offset, point.length, rate)
    known = point.note == comment or point.note.startswith(f"{comment}, ")
    return known and point.entries == _OWN_ENTRIES


def _make_points(
    markers: Sequence[Marker], found: CuePoints, own: Sequence[CuePoint], rate: int
) -> list[CuePoint]:
    taken = found.taken - {point.id for point in own}
    number = 0
    points = []
    for marker in sorted(markers, key=lambda m: (m.start, m.end, m.name)):
        number += 1
        while number in taken:
            number += 1
        offset = round(marker.start * rate)
        length = max(0, round(marker.end * rate) - offset)
        comment = _comment(marker.name, offset, length, rate)
        note = f"{comment}, {marker.detail}" if marker.detail else comment
        points.append(make_point(number, offset, length, marker.name, note))
    return points


def _say_the_same(own: Sequence[CuePoint], new: Sequence[CuePoint]) -> bool:
    return [_told(point) for point in own] == [_told(point) for point in new]


def _told(point: CuePoint) -> tuple[int, int, str, str]:
    return point.offset, point.length, point.label, point.note


def _splices(
    document: WavDocument, found: CuePoints, own: Sequence[CuePoint], new: Sequence[CuePoint]
) -> list[Splice]:
    gone = frozenset(point.id for point in own)
    kept = [point for point in found.points if point.id not in gone]
    listed = entries_without(found.listed, gone)
    points = encode_points([*kept, *new], found.rest) if kept or new or found.rest else b""
    names = encode_list(listed, new) if listed or new else b""
    splices, tail = [], b""
    for name, chunk, body in ((b"cue ", found.cue, points), (b"LIST", found.adtl, names)):
        encoded = encode_chunk(name, body) if body else b""
        if chunk is not None:
            splices.append(_instead(chunk, encoded))
        else:
            tail += encoded
    return document.with_frame(splices, tail)


def _instead(chunk: Chunk, encoded: bytes) -> Splice:
    return Splice(chunk.offset, chunk.end - chunk.offset, encoded)


def _changes(own: Sequence[CuePoint], new: Sequence[CuePoint]) -> tuple[FieldChange, ...]:
    before, after = (", ".join(point.label for point in points) for points in (own, new))
    return () if _say_the_same(own, new) else (FieldChange("markers", "cue", before, after),)


def _check_on_paper(
    future: Source, found: CuePoints, own: Sequence[CuePoint], new: Sequence[CuePoint]
) -> None:
    """Read the markers of the file as it will be; refuse the plan unless they are as planned."""
    before, wanted = set(own), set(own if _say_the_same(own, new) else new)
    foreign = [point for point in found.points if point not in before]
    _, told = _read(future)
    left = [point for point in told.points if point not in wanted]
    if left != foreign or len(told.points) != len(foreign) + len(wanted):
        raise VerificationError(
            "The markers would not read back as planned. The file is unchanged; please report it."
        )
