"""WAV files of the field: foreign chunks, RF64, and every kind of damage that is tolerated."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from wavinfo import WavInfoReader

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    MetadataError,
    Mode,
    Policy,
    TagSet,
    apply,
    plan_write,
    read_tags,
    riff,
    undo,
)
from tests.audio_factory import chunk
from tests.unit.metadata import riff_builder as build
from tests.unit.metadata.contract import TAGS, decoded, leftovers

OURS = {b"bext", b"iXML", b"id3 "}


def put(folder: Path, content: bytes) -> Path:
    path = folder / "sound.wav"
    path.write_bytes(content)
    return path


def write(path: Path, tags: TagSet = TAGS, policy: Policy | None = None) -> bytes:
    apply(plan_write(path, tags, policy))
    return path.read_bytes()


def is_info(name: bytes, body: bytes) -> bool:
    return name == b"LIST" and body[:4] == b"INFO"


class TestForeignChunks:
    def test_all_survive_in_order_with_the_audio_between(self, tmp_path: Path) -> None:
        half = len(build.FOREIGN) // 2
        content = build.wav(build.FOREIGN[:half], build.FOREIGN[half:])
        after = build.chunks(write(put(tmp_path, content)))
        kept = [(n, b) for n, b in after if n not in OURS and not is_info(n, b)]
        assert kept == build.chunks(content)

    def test_only_the_description_of_bext_changes(self, tmp_path: Path) -> None:
        path = put(tmp_path, build.wav([build.bext(b"")]))
        before = dict(build.chunks(path.read_bytes()))[b"bext"]
        after = dict(build.chunks(write(path)))[b"bext"]
        assert after[256:] == before[256:]
        assert after[:256].rstrip(b"\0") == b"A dog barks twice & <howls>"
        reader = WavInfoReader(str(path))
        assert reader.bext.time_reference == 123456789012
        assert reader.bext.coding_history.startswith("A=PCM")

    def test_a_vendors_description_in_bext_takes_the_field(self, tmp_path: Path) -> None:
        path = put(tmp_path, build.wav([build.bext(b"Kennel, busy")]))
        write(path)
        assert WavInfoReader(str(path)).bext.description == "Kennel, busy"
        assert read_tags(path).get("description") == "Kennel, busy"

    def test_a_bext_chunk_is_only_made_where_the_policy_allows(self, tmp_path: Path) -> None:
        path = put(tmp_path, build.wav())
        assert b"bext" not in write(path, policy=Policy(create_bext=False))

    def test_other_info_entries_are_kept_byte_for_byte(self, tmp_path: Path) -> None:
        latin = chunk(b"IART", "Jürgen\0".encode("latin-1")) + chunk(b"ISFT", b"x")
        content = build.wav(after=[chunk(b"LIST", b"INFO" + latin)])
        assert latin in write(put(tmp_path, content))

    def test_undo_restores_all_of_it(self, tmp_path: Path) -> None:
        content = build.wav(build.FOREIGN, [build.bext(), *build.FOREIGN, build.info(INAM="x")])
        path = put(tmp_path, content)
        undo(apply(plan_write(path, TAGS, Policy(default=Mode.REPLACE))).record)
        assert path.read_bytes() == content


class TestRf64:
    @pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
    def test_sizes_in_ds64_are_brought_up_to_date(self, tmp_path: Path, magic: bytes) -> None:
        path = put(tmp_path, build.rf64(after=build.FOREIGN, magic=magic))
        content = write(path)
        riff_size, data_size = struct.unpack_from("<QQ", content, 20)
        assert (riff_size, data_size) == (len(content) - 8, len(build.AUDIO))
        assert content[4:8] == b"\xff" * 4
        assert decoded(path).size == len(build.AUDIO) // 2

    @pytest.mark.parametrize(
        "reserve", [(), (chunk(b"JUNK", bytes(28)),), (chunk(b"JUNK", bytes(92)),)]
    )
    def test_promotion_past_4_gib_is_explicit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserve: tuple[bytes, ...]
    ) -> None:
        monkeypatch.setattr(riff, "_LIMIT", 2000)
        content = build.wav(reserve)
        path = put(tmp_path, content)
        with pytest.raises(MetadataError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "needs_rf64"
        identity = audio_identity(path)
        record = apply(plan_write(path, TAGS, Policy(promote_rf64=True))).record
        assert path.read_bytes()[:4] == b"RF64"
        assert audio_identity(path) == identity
        assert soundfile.info(str(path)).frames == len(build.AUDIO) // 2
        assert read_tags(path).keywords == TAGS.keywords
        undo(record)
        assert path.read_bytes() == content

    def test_a_64_bit_file_without_sizes_is_refused(self, tmp_path: Path) -> None:
        content = build.rf64().replace(b"ds64", b"JUNK")
        with pytest.raises(MetadataError, match="ds64"):
            plan_write(put(tmp_path, content), TAGS)


def _sized(content: bytes, size: int) -> bytes:
    return content[:4] + struct.pack("<I", size) + content[8:]


def _data_sized(size: int) -> bytes:
    content = build.wav()
    at = content.index(b"data") + 4
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


ODD = build.AUDIO + b"\x7f"
REPAIRED: dict[str, tuple[bytes, str]] = {
    "riff_size_too_small": (_sized(build.wav(after=build.FOREIGN), 1000), "wrong_riff_size"),
    "riff_size_too_large": (_sized(build.wav(), 10**6), "wrong_riff_size"),
    "riff_size_0": (_sized(build.wav(), 0), "wrong_riff_size"),
    "riff_size_ffffffff": (_sized(build.wav(), 0xFFFFFFFF), "wrong_riff_size"),
    "data_size_0": (_sized(_data_sized(0), 0), "unknown_data_size"),
    "data_size_ffffffff": (_sized(_data_sized(0xFFFFFFFF), 0xFFFFFFFF), "unknown_data_size"),
    "missing_pad_of_the_audio": (
        _sized(
            build.wav(after=build.FOREIGN, audio=ODD).replace(ODD + b"\0", ODD),
            len(build.wav(after=build.FOREIGN, audio=ODD)) - 9,
        ),
        "missing_pad",
    ),
    "missing_pad_of_a_chunk": (
        build.wav([chunk(b"abcd", b"xyz")[:-1], build.bext(b"")]),
        "missing_pad",
    ),
    "two_ixml": (
        build.wav(after=[chunk(b"iXML", b"<BWFXML/>"), chunk(b"iXML", b"<BWFXML><A/></BWFXML>")]),
        "duplicate_ixml",
    ),
    "two_bext": (build.wav([build.bext(b""), build.bext(b"")]), "duplicate_bext"),
    "two_info": (build.wav([build.info(INAM="a"), build.info(INAM="b")]), "duplicate_info"),
    "trailing_garbage": (build.wav() + b"\0\x01garbage, not a chunk", "trailing_bytes"),
    "trailing_id3v1": (build.wav() + b"TAG" + b"x" * 125, "trailing_bytes"),
    "zeros_inside_the_form": (_sized(build.wav() + bytes(50), len(build.wav()) + 42), "trailing"),
}


@pytest.mark.parametrize("name", REPAIRED)
class TestRepairedDamage:
    def test_the_audio_and_the_foreign_bytes_are_kept(self, tmp_path: Path, name: str) -> None:
        content, note = REPAIRED[name]
        path = put(tmp_path, content)
        identity = audio_identity(path)
        plan = plan_write(path, TAGS)
        assert any(n.startswith(note) for n in plan.notes), plan.notes
        apply(plan)
        assert audio_identity(path) == identity
        assert read_tags(path).keywords == TAGS.keywords
        assert build.AUDIO in path.read_bytes()
        for foreign in build.FOREIGN if "FOREIGN" in name or b"SMED" in content else ():
            assert foreign in path.read_bytes()

    def test_the_written_file_has_no_fault_left(self, tmp_path: Path, name: str) -> None:
        path = put(tmp_path, REPAIRED[name][0])
        written = write(path)
        form = written[: struct.unpack_from("<I", written, 4)[0] + 8]
        assert dict(build.chunks(form))[b"data"][: len(build.AUDIO)] == build.AUDIO
        assert soundfile.info(str(path)).frames >= len(build.AUDIO) // 2

    def test_undo_restores_the_damage(self, tmp_path: Path, name: str) -> None:
        path = put(tmp_path, REPAIRED[name][0])
        undo(apply(plan_write(path, TAGS)).record)
        assert path.read_bytes() == REPAIRED[name][0]

    def test_a_second_write_changes_nothing(self, tmp_path: Path, name: str) -> None:
        path = put(tmp_path, REPAIRED[name][0])
        write(path)
        assert plan_write(path, TAGS).is_noop


REFUSED: dict[str, tuple[bytes, str]] = {
    "truncated_audio": (build.wav()[:-100], "truncated"),
    "truncated_chunk_after_the_audio": (build.wav(after=build.FOREIGN)[:-1000], "truncated"),
    "two_data_chunks": (build.wav(after=[chunk(b"data", b"1234")]), "unsupported_structure"),
    "no_data_chunk": (build.wav().replace(b"data", b"dada"), "malformed_file"),
    "no_format_chunk": (build.wav().replace(b"fmt ", b"fmp "), "malformed_file"),
    "chunk_list_breaks_off": (
        build.wav(after=[b"\x01\x02\x03\x04" + bytes(range(100))]),
        "malformed_file",
    ),
    "header_only": (b"RIFF\x04\0\0\0WAVE", "malformed_file"),
    "rf64_data_longer_than_the_file": (build.rf64()[:-100], "truncated"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_damage_is_not_touched(tmp_path: Path, name: str) -> None:
    content, code = REFUSED[name]
    path = put(tmp_path, content)
    with pytest.raises(MetadataError) as refused:
        plan_write(path, TAGS)
    assert refused.value.code == code
    assert refused.value.path == path
    assert path.read_bytes() == content
    assert leftovers(tmp_path) == []
    assert audio_identity(path).audio_bytes > 0


LEFT_ALONE: dict[str, tuple[bytes, str]] = {
    "ixml_not_well_formed": (b"<BWFXML><USER></BWFXML>", "ixml_broken"),
    "ixml_with_entities": (
        b'<!DOCTYPE a [<!ENTITY b "c">]><BWFXML><USER><NOTES>&b;</NOTES></USER></BWFXML>',
        "ixml_broken",
    ),
    "ixml_in_a_wrong_encoding": (
        b'<?xml version="1.0" encoding="UTF-8"?><BWFXML><A>\xff\xfe</A></BWFXML>',
        "ixml_broken",
    ),
    "ixml_that_is_not_xml": (b"hello", "ixml_broken"),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_broken_ixml_is_kept_and_the_other_containers_are_written(
    tmp_path: Path, name: str
) -> None:
    body, reason = LEFT_ALONE[name]
    path = put(tmp_path, build.wav(after=[chunk(b"iXML", body)]))
    plan = plan_write(path, TAGS)
    assert [s.reason for s in plan.skips if s.slot == "ixml"] == [reason]
    apply(plan)
    assert dict(build.chunks(path.read_bytes()))[b"iXML"] == body
    assert read_tags(path).own_keywords == TAGS.keywords
    apply(plan_write(path, TagSet(), Policy.replace_own()))
    assert read_tags(path).found == ()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (b"ixml", lambda: chunk(b"ixml", b"<BWFXML/>")),
        (b"IXML", lambda: chunk(b"IXML", b"<BWFXML/>")),
        (b"BEXT", lambda: build.bext(b"").replace(b"bext", b"BEXT")),
        (b"list", lambda: build.info(INAM="a").replace(b"LIST", b"list")),
        (b"ID3 ", lambda: chunk(b"ID3 ", b"")),
    ],
)
def test_chunk_names_in_another_case_are_used_not_doubled(
    tmp_path: Path, name: bytes, make: Callable[[], bytes]
) -> None:
    written = build.chunks(write(put(tmp_path, build.wav(after=[make()]))))
    same = [n for n, body in written if n.lower() == name.lower() and body[:4] != b"adtl"]
    assert same == [name]


def test_soundfile_reads_the_same_audio_whatever_was_around_it(tmp_path: Path) -> None:
    content = build.wav(build.FOREIGN, [build.bext(b""), build.info(INAM="x"), *build.FOREIGN])
    before, _ = soundfile.read(io.BytesIO(content), dtype="int16")
    after, _ = soundfile.read(io.BytesIO(write(put(tmp_path, content))), dtype="int16")
    assert before.tobytes() == after.tobytes() == build.AUDIO
