"""Files around and beyond 4 GiB: sparse, so that they cost no disk; their audio is never read.

`python -m tests.fuzz.huge` does the same with real copies and hashes.
"""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest
from wavinfo import WavInfoReader

from earmark_files.metadata import MetadataError, Policy, TagSet, apply, plan_write, read_tags, undo
from tests.audio_factory import chunk
from tests.unit.metadata.huge import write_huge

TAGS = TagSet(keywords=("dog", "bark"), description="A dog barks", authors=("audioset@1.0.0",))
BEYOND = 4 * 2**30 + 1000
ALMOST = 2**32 - 1024
# Handed in so that four gigabytes need not be hashed; a write in place never reads the audio.
KNOWN = f"wav-data:{'0' * 64}"
INFO = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"Recorder\0"))


def duration(path: Path) -> str:
    """Return the length of the sound as FFmpeg finds it."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["format"]["duration"])


def sizes(path: Path) -> tuple[bytes, int, int]:
    """Return magic and the 64-bit sizes of form and audio from the ds64 chunk."""
    with path.open("rb") as file:
        head = file.read(36)
    assert (head[4:8], head[12:16]) == (b"\xff" * 4, b"ds64")
    return head[:4], *struct.unpack_from("<QQ", head, 20)


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_a_64_bit_file_is_read_and_written_in_place(magic: bytes, tmp_path: Path) -> None:
    path = write_huge(tmp_path / "huge.wav", BEYOND, magic, after=INFO)
    before = duration(path)
    plan = plan_write(path, TAGS, Policy(in_place_from=0), audio_hash=KNOWN)
    assert plan.audio_before.spans[-1][1] == BEYOND
    assert apply(plan).method == "in_place"
    tags = read_tags(path)
    assert (tags.keywords, tags.notes) == (("dog", "bark"), ())
    assert sizes(path) == (magic, path.stat().st_size - 8, BEYOND)
    assert duration(path) == before
    assert path.stat().st_blocks * 512 < 1 << 20, "what was a hole is one still"


def test_another_program_reads_the_tags_behind_four_gigabytes(tmp_path: Path) -> None:
    path = write_huge(tmp_path / "huge.wav", BEYOND, b"RF64", after=INFO)
    apply(plan_write(path, TAGS, Policy(in_place_from=0), audio_hash=KNOWN))
    found = WavInfoReader(str(path))
    assert found.bext.description == "A dog barks"
    assert found.info.software == "Recorder"


def test_a_riff_file_that_would_outgrow_its_format_is_refused(tmp_path: Path) -> None:
    path = write_huge(tmp_path / "full.wav", ALMOST, b"RIFF")
    with pytest.raises(MetadataError) as refused:
        plan_write(path, TAGS, audio_hash=KNOWN)
    assert refused.value.code == "needs_rf64"
    assert read_tags(path).found == ()


def test_it_becomes_rf64_where_that_is_allowed(tmp_path: Path) -> None:
    room = chunk(b"JUNK", bytes(28))
    path = write_huge(tmp_path / "full.wav", ALMOST, b"RIFF", before=room)
    policy = Policy(promote_rf64=True, in_place_from=0)
    assert apply(plan_write(path, TAGS, policy, audio_hash=KNOWN)).method == "in_place"
    assert sizes(path) == (b"RF64", path.stat().st_size - 8, ALMOST)
    assert path.stat().st_size > 2**32
    assert read_tags(path).keywords == ("dog", "bark")
    assert duration(path) == f"{ALMOST / 16000:.6f}"


def test_without_reserved_room_it_is_planned_as_a_copy(tmp_path: Path) -> None:
    path = write_huge(tmp_path / "full.wav", ALMOST, b"RIFF")
    policy = Policy(promote_rf64=True, in_place_from=0)
    plan = plan_write(path, TAGS, policy, audio_hash=KNOWN)
    assert plan.new_size > 2**32
    moved = plan.audio_after.spans[-1][0] - plan.audio_before.spans[-1][0]
    assert moved == 36, "the ds64 chunk is put in front of the audio"


def test_tags_right_behind_the_audio_are_written_in_place(tmp_path: Path) -> None:
    path = write_huge(tmp_path / "plain.wav", 2000, b"RIFF")
    content = path.read_bytes()
    result = apply(plan_write(path, TAGS, Policy(in_place_from=0)))
    assert result.method == "in_place"
    assert result.record is not None
    assert undo(result.record, in_place_from=0).method == "in_place"
    assert path.read_bytes() == content
