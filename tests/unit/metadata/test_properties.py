"""Properties that must hold for every file and every tag set hypothesis can think of."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_files.identity import audio_identity
from earmark_files.metadata import Mode, Policy, TagSet, apply, plan_write, read_tags, undo
from earmark_files.metadata.source import BytesSource, Splice, SplicedSource, invert, normalise
from earmark_files.metadata.tags import FIELDS, Provenance
from earmark_files.metadata.vorbis import Comments, parse_comments
from tests.audio_factory import Tone, chunk, write_tone
from tests.fuzz.metadata import QuickDisk
from tests.unit.metadata import riff_builder as build

OURS = {b"bext", b"ixml", b"id3 ", b"list", b"data", b"fmt ", b"ds64"}

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=",;￾￿"),
    min_size=1,
    max_size=30,
)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"),
    max_size=400,
)
tag_sets = st.builds(
    TagSet,
    keywords=st.lists(words, max_size=8).map(tuple),
    category=texts,
    subcategory=texts,
    catid=words,
    fx_name=texts,
    description=texts,
    notes=texts,
    genre=texts,
    authors=st.lists(st.sampled_from(["audioset@1.0.0", "cnn@2.1.0"]), unique=True).map(tuple),
)
policies = st.builds(
    Policy,
    default=st.sampled_from(Mode),
    fields=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(Mode), max_size=3),
    create_bext=st.booleans(),
)
chunk_ids = (
    st.binary(min_size=4, max_size=4)
    .map(lambda raw: bytes(33 + b % 94 for b in raw))
    .filter(lambda name: name.lower() not in OURS)
)
chunk_lists = st.lists(st.builds(chunk, chunk_ids, st.binary(max_size=60)), max_size=6)

FILES = ("wav-16", "rf64-24", "aiff-16", "flac-16", "ogg-vorbis", "opus", "mp3", "m4a")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sounds")
    tone = Tone(seconds=0.05, rate=48000)
    return {name: write_tone(folder, name, tone).read_bytes() for name in FILES}


def check(content: bytes, tags: TagSet, policy: Policy) -> bytes:
    """Write, write again, undo; returns the written bytes."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "sound"
        path.write_bytes(content)
        identity = audio_identity(path)
        plan = plan_write(path, tags, policy)
        result = apply(plan, disk=QuickDisk())
        written = path.read_bytes()
        assert audio_identity(path) == identity
        assert plan_write(path, tags, policy).is_noop
        found = {t.slot: t.value for t in read_tags(path).found}
        for change in plan.changes:
            if change.field != "provenance":
                assert found.get(change.slot, "") == change.after
        if result.record is not None:
            undo(result.record, disk=QuickDisk())
        assert path.read_bytes() == content
        return written


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, deadline=None)
@given(tags=tag_sets, policy=policies)
def test_write_read_and_undo_are_exact(
    sounds: dict[str, bytes], name: str, tags: TagSet, policy: Policy
) -> None:
    check(sounds[name], tags, policy)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=15, deadline=None)
@given(first=tag_sets, second=tag_sets)
def test_own_tags_can_always_be_replaced_and_withdrawn(
    sounds: dict[str, bytes], name: str, first: TagSet, second: TagSet
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "sound"
        path.write_bytes(sounds[name])
        apply(plan_write(path, first), disk=QuickDisk())
        apply(plan_write(path, second, Policy.replace_own()), disk=QuickDisk())
        own = {word.casefold() for word in read_tags(path).keywords}
        assert own == {word.casefold() for word in second.keywords}
        apply(plan_write(path, TagSet(), Policy.replace_own()), disk=QuickDisk())
        assert read_tags(path).found == ()


@settings(max_examples=100, deadline=None)
@given(before=chunk_lists, after=chunk_lists, tags=tag_sets, policy=policies)
def test_every_foreign_chunk_and_their_order_survive(
    before: list[bytes], after: list[bytes], tags: TagSet, policy: Policy
) -> None:
    content = build.wav(before, after)
    written = check(content, tags, policy)
    kept = [c for c in build.chunks(written) if c[0].lower() not in OURS - {b"data", b"fmt "}]
    assert kept == build.chunks(content)


@settings(max_examples=60, deadline=None)
@given(before=chunk_lists, after=chunk_lists, tags=tag_sets)
def test_rf64_keeps_them_too(before: list[bytes], after: list[bytes], tags: TagSet) -> None:
    content = build.rf64(before, after)
    written = check(content, tags, Policy())
    assert struct.unpack_from("<Q", written, 20)[0] == len(written) - 8
    kept = [c for c in build.chunks(written) if c[0].lower() not in OURS - {b"data", b"fmt "}]
    expected = [c for c in build.chunks(content) if c[0] != b"ds64"]
    assert kept == expected


@settings(max_examples=100, deadline=None)
@given(
    base=st.binary(max_size=60),
    cuts=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 9), st.binary(max_size=9)), max_size=5
    ),
)
def test_splices_do_what_they_say_and_their_inverse_undoes_it(
    base: bytes, cuts: list[tuple[int, int, bytes]]
) -> None:
    splices, position = [], 0
    for offset, length, data in sorted(cuts):
        if offset >= position and offset + length <= len(base):
            splices.append(Splice(offset, length, data))
            position = offset + length + 1
    plain = normalise(splices, len(base))
    expected = bytearray(base)
    for splice in reversed(plain):
        expected[splice.offset : splice.end] = splice.data
    future = SplicedSource(BytesSource(base), plain)
    assert future.read(0, future.size) == expected
    assert [future.read(i, 3) for i in range(len(expected))] == [
        expected[i : i + 3] for i in range(len(expected))
    ]
    back = SplicedSource(future, invert(plain, BytesSource(base)))
    assert back.read(0, back.size) == base


@given(
    vendor=st.binary(max_size=9),
    entries=st.lists(st.binary(max_size=20)).map(tuple),
    tail=st.binary(max_size=5),
)
def test_vorbis_comments_are_parsed_to_what_was_encoded(
    vendor: bytes, entries: tuple[bytes, ...], tail: bytes
) -> None:
    comments = Comments(vendor, entries, tail)
    assert parse_comments(comments.encode()) == comments


@settings(max_examples=50, deadline=None)
@given(
    own=st.dictionaries(
        st.sampled_from(FIELDS),
        st.dictionaries(
            words, st.lists(words, min_size=1, unique=True).map(sorted).map(tuple), min_size=1
        ),
    ),
    foreign=st.dictionaries(words, st.lists(words, min_size=1).map(tuple)),
)
def test_provenance_survives_its_text_form(
    own: dict[str, dict[str, tuple[str, ...]]], foreign: dict[str, tuple[str, ...]]
) -> None:
    provenance = Provenance(own, foreign)
    if own:
        assert Provenance.from_text(provenance.to_text()) == provenance
