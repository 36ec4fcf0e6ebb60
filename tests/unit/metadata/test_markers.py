"""Markers in WAV files: other programs read them, other people's stay, and undo gives all back."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from earmark_files.identity import audio_identity
from earmark_files.metadata import MetadataError, TagSet, apply, plan_write, read_tags, undo
from earmark_files.metadata.markers import Marker, plan_markers, read_markers
from tests.audio_factory import chunk
from tests.unit.metadata import riff_builder as build

RATE = 8000
BARK = Marker(0.010, 0.030, "Bark", "audioset@1.0.0 0.83")
RAIN = Marker(0.0, 0.0125, "Rain", "audioset@1.0.0 0.41")


def put(folder: Path, content: bytes) -> Path:
    path = folder / "sound.wav"
    path.write_bytes(content)
    return path


def mark(path: Path, *markers: Marker) -> str:
    return apply(plan_markers(path, markers)).status


def names(path: Path) -> list[tuple[str, bool]]:
    return [(found.marker.name, found.own) for found in read_markers(path)]


def cue(*points: tuple[int, int]) -> bytes:
    body = b"".join(struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in points)
    return chunk(b"cue ", struct.pack("<I", len(points)) + body)


def adtl(*entries: tuple[bytes, int, bytes]) -> bytes:
    body = b"".join(chunk(kind, struct.pack("<I", n) + rest) for kind, n, rest in entries)
    return chunk(b"LIST", b"adtl" + body)


@pytest.mark.parametrize("make", [build.wav, build.rf64], ids=["riff", "rf64"])
def test_another_program_reads_place_name_and_length(tmp_path: Path, make):
    path = put(tmp_path, make(after=[build.info(ISBJ="x")]))
    before = audio_identity(path).hash
    assert mark(path, BARK, RAIN) == "written"
    assert audio_identity(path).hash == before
    if make is build.wav:
        told = WavInfoReader(str(path)).cues
        points = {c.name: c.sample_offset for c in told.cues}
        labels = {entry.name: entry.text for entry in told.labels}
        lengths = {entry.name: entry.length for entry in told.ranges}
        assert {labels[n]: (points[n], lengths[n]) for n in points} == {
            "Rain": (0, 100),
            "Bark": (80, 160),
        }
    assert names(path) == [("Rain", True), ("Bark", True)]
    assert read_markers(path)[1].marker.detail == (
        "Earmark: Bark, 0.010-0.030 s, audioset@1.0.0 0.83"
    )


def test_the_same_markers_once_more_change_nothing(tmp_path: Path):
    path = put(tmp_path, build.wav())
    mark(path, BARK, RAIN)
    content = path.read_bytes()
    assert mark(path, RAIN, BARK) == "unchanged"
    assert path.read_bytes() == content


def test_new_markers_take_the_place_of_our_own_and_none_leave_the_file_as_it_was(tmp_path: Path):
    content = build.wav(build.FOREIGN[:1], [build.info(ISBJ="x")])
    path = put(tmp_path, content)
    mark(path, BARK, RAIN)
    assert mark(path, Marker(0.02, 0.03, "Howl")) == "written"
    assert names(path) == [("Howl", True)]
    assert mark(path) == "written"
    assert path.read_bytes() == content


def test_cue_points_of_others_stay_with_their_numbers_bytes_and_sampler_loops(tmp_path: Path):
    sampler = chunk(b"smpl", bytes(28) + struct.pack("<II", 1, 0) + struct.pack("<6I", 3, *[0] * 5))
    theirs = [
        cue((7, 10), (1, 40)),
        sampler,
        adtl((b"labl", 7, b"slate\0"), (b"labl", 1, b"take\0"), (b"xtra", 9, b"keep me")),
    ]
    path = put(tmp_path, build.wav(after=theirs))
    original = path.read_bytes()
    mark(path, BARK, RAIN)
    found = read_markers(path)
    assert [(f.marker.name, f.own) for f in found] == [
        ("slate", False),
        ("take", False),
        ("Rain", True),
        ("Bark", True),
    ]
    chunks = dict(build.chunks(path.read_bytes()))
    numbers = [struct.unpack_from("<I", chunks[b"cue "], 4 + 24 * n)[0] for n in range(4)]
    assert numbers == [7, 1, 2, 4]  # 3 is a loop's
    assert b"keep me" in path.read_bytes()
    mark(path)
    assert path.read_bytes() == original


def test_a_marker_that_a_person_moved_or_renamed_is_theirs_from_then_on(tmp_path: Path):
    path = put(tmp_path, build.wav())
    mark(path, BARK, RAIN)
    path.write_bytes(path.read_bytes().replace(b"Rain\0", b"Hail\0"))
    assert names(path) == [("Hail", False), ("Bark", True)]
    mark(path, Marker(0.05, 0.06, "Wind"))
    assert names(path) == [("Hail", False), ("Wind", True)]


def test_undo_gives_back_every_byte_also_after_tags_were_written(tmp_path: Path):
    content = build.wav(after=build.FOREIGN)
    path = put(tmp_path, content)
    tags = apply(plan_write(path, TagSet(keywords=("dog",)))).record
    markers = apply(plan_markers(path, [BARK])).record
    assert tags is not None
    assert markers is not None
    assert read_tags(path).keywords == ("dog",)
    undo(markers)
    undo(tags)
    assert path.read_bytes() == content


def test_tags_written_later_leave_the_markers(tmp_path: Path):
    path = put(tmp_path, build.wav())
    mark(path, BARK)
    apply(plan_write(path, TagSet(keywords=("dog",), description="A dog")))
    assert names(path) == [("Bark", True)]


@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ([cue((1, 2)), cue((2, 3))], "unsupported_structure"),
        ([adtl((b"labl", 1, b"a\0")), adtl((b"labl", 2, b"b\0"))], "unsupported_structure"),
        ([chunk(b"cue ", struct.pack("<I", 3) + bytes(24))], "malformed_file"),
        ([chunk(b"cue ", b"\0\0")], "malformed_file"),
        ([chunk(b"LIST", b"adtl" + b"labl\xff\xff\0\0zz")], "malformed_file"),
    ],
    ids=["two cue chunks", "two lists", "points missing", "no count", "broken list"],
)
def test_damaged_and_doubtful_cue_points_are_refused_and_left(
    tmp_path: Path, chunks: list[bytes], code: str
):
    path = put(tmp_path, build.wav(after=chunks))
    content = path.read_bytes()
    with pytest.raises(MetadataError) as told:
        plan_markers(path, [BARK])
    assert told.value.code == code
    assert path.read_bytes() == content


def test_a_file_of_ten_thousand_cue_points_is_no_trap(tmp_path: Path):
    numbers = range(1, 10_001)
    theirs = [cue(*((n, n) for n in numbers)), adtl(*((b"labl", n, b"x\0") for n in numbers))]
    path = put(tmp_path, build.wav(after=theirs))
    assert mark(path, BARK) == "written"
    assert names(path)[-2:] == [("x", False), ("Bark", True)]


def test_other_kinds_of_file_are_refused_with_the_way_out(tmp_path: Path):
    path = tmp_path / "sound.flac"
    soundfile.write(path, np.zeros(800, np.float32), RATE)
    with pytest.raises(MetadataError, match="Export them") as told:
        plan_markers(path, [BARK])
    assert told.value.code == "unsupported_format"


def test_a_place_beyond_what_cue_points_can_count_is_refused(tmp_path: Path):
    path = put(tmp_path, build.wav())
    with pytest.raises(MetadataError) as told:
        plan_markers(path, [Marker(2**32 / RATE, 2**32 / RATE + 1, "Late")])
    assert told.value.code == "unsupported_structure"


marker_lists = st.lists(
    st.builds(
        Marker,
        st.floats(0, 100).map(lambda x: round(x, 3)),
        st.floats(100, 200).map(lambda x: round(x, 3)),
        st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12),
        st.text(st.characters(exclude_categories=["C"]), max_size=12),
    ),
    max_size=8,
)


@settings(
    max_examples=25,
    deadline=None,  # each write waits for the disk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(marker_lists, marker_lists, st.permutations(range(len(build.FOREIGN))))
def test_whatever_is_marked_reads_back_and_can_be_taken_away(
    tmp_path: Path, first: list[Marker], second: list[Marker], order: list[int]
):
    foreign, half = [build.FOREIGN[at] for at in order], len(order) // 2
    path = put(tmp_path, build.wav(foreign[:half], foreign[half:]))
    before = names(path)
    for markers in (first, second):
        mark(path, *markers)
        wanted = sorted((m.start, m.end, m.name) for m in markers)
        own = [f.marker for f in read_markers(path) if f.own]
        assert [m.name for m in own] == [name for _, _, name in wanted]
        for told, (start, end, _) in zip(own, wanted, strict=True):
            assert told.start == pytest.approx(start, abs=1 / RATE)
            assert told.end == pytest.approx(end, abs=1 / RATE)
    mark(path)
    assert names(path) == before
