"""What every container must do, over a real file; each container's test class inherits it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    ConflictError,
    Policy,
    TagSet,
    UndoRecord,
    apply,
    plan_write,
    read_tags,
    undo,
)
from tests.audio_factory import Tone, write_tone

TAGS = TagSet(
    keywords=("dog", "bark", "hündisch", "犬"),
    category="ANIMALS",
    subcategory="DOG",
    catid="ANMLDog",
    fx_name="Big dog",
    description="A dög barks twice & <howls>",
    notes="near",
    genre="Dog, Bark",
    authors=("audioset@1.0.0",),
)
OTHER = TagSet(keywords=("cat", "dog"), category="PETS", description="No", authors=("cnn@2.0.0",))


def decoded(path: Path) -> np.ndarray:
    """Decode with FFmpeg, which is not what wrote the tags."""
    with av.open(str(path), metadata_errors="ignore") as file:
        frames = [f.to_ndarray() for f in file.decode(audio=0)]
    return np.concatenate(frames, axis=-1)


def complaints(path: Path) -> tuple[int, list[str]]:
    """Return exit status and warnings of FFmpeg, without the addresses in them."""
    command = ["ffmpeg", "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-"]
    probe = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = re.sub(r"0x[0-9a-f]+", "", probe.stderr).splitlines()
    # FFmpeg says so of every WAV that has both INFO and ID3, and shows INFO.
    return probe.returncode, [line for line in lines if "Discarding ID3 tags" not in line]


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".earmark-")]


class ContainerContract:
    """Inherit, set the class attributes, and implement the two readers."""

    format_name: ClassVar[str]
    container: ClassVar[str]
    rate: ClassVar[int] = 48000

    def make(self, folder: Path) -> Path:
        return write_tone(folder, self.format_name, Tone(seconds=0.3, rate=self.rate, channels=2))

    def add_foreign(self, path: Path) -> None:
        """Write a vendor's keyword, genre and an unrelated text with another program."""
        raise NotImplementedError

    def foreign(self, path: Path) -> dict[str, str]:
        """Read what `add_foreign` wrote, with another program."""
        raise NotImplementedError

    def independent(self, path: Path) -> dict[str, str]:
        """Read keywords, genre, description and CatID with another program."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return self.make(tmp_path)

    def test_an_untagged_file_has_no_tags_of_ours(self, path: Path) -> None:
        tags = read_tags(path)
        assert tags.container == self.container
        assert tags.keywords == ()
        assert not tags.provenance.own

    def test_what_is_written_is_read_back(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        tags = read_tags(path)
        assert tags.keywords == TAGS.keywords
        assert tags.own_keywords == TAGS.keywords
        assert tags.get("description") == TAGS.description
        assert tags.get("catid") == "ANMLDog"
        assert tags.get("genre") == "Dog, Bark"
        assert tags.provenance.authors() == ("audioset@1.0.0",)
        assert all(tag.own for tag in tags.found)

    def test_another_program_reads_the_same(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        assert self.independent(path) == {
            "keywords": "dog, bark, hündisch, 犬",
            "genre": "Dog, Bark",
            "description": TAGS.description,
            "catid": "ANMLDog",
        }

    @pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
    def test_ffmpeg_complains_no_more_than_before(self, path: Path) -> None:
        before = complaints(path)
        apply(plan_write(path, TAGS))
        assert complaints(path) == before

    def test_a_plan_touches_nothing(self, path: Path) -> None:
        content, mtime = path.read_bytes(), path.stat().st_mtime_ns
        plan = plan_write(path, TAGS)
        assert not plan.is_noop
        assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, mtime)

    def test_the_audio_decodes_to_the_same_samples(self, path: Path) -> None:
        before = decoded(path)
        apply(plan_write(path, TAGS))
        np.testing.assert_array_equal(before, decoded(path))

    def test_the_identity_does_not_depend_on_tags(self, path: Path) -> None:
        before = audio_identity(path)
        apply(plan_write(path, TAGS))
        assert audio_identity(path) == before
        assert before.container == self.container

    def test_the_plan_accepts_an_identity_worked_out_before(self, path: Path) -> None:
        plan = plan_write(path, TAGS, audio_hash=audio_identity(path).hash)
        assert plan == plan_write(path, TAGS)

    def test_a_wrong_identity_is_found_out_and_nothing_is_written(self, path: Path) -> None:
        content = path.read_bytes()
        scheme = audio_identity(path).hash.split(":")[0]
        with pytest.raises(ConflictError):
            apply(plan_write(path, TAGS, audio_hash=f"{scheme}:{'0' * 64}"))
        assert path.read_bytes() == content
        assert leftovers(path.parent) == []

    def test_writing_twice_changes_no_byte(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        content = path.read_bytes()
        for policy in (Policy(), Policy.merge_keywords(), Policy.replace_own()):
            plan = plan_write(path, TAGS, policy)
            assert plan.is_noop, plan.changes
            assert apply(plan).status == "unchanged"
        assert path.read_bytes() == content

    def test_undo_restores_every_byte_and_the_time(self, path: Path) -> None:
        content, mtime = path.read_bytes(), path.stat().st_mtime_ns
        plan = plan_write(path, TAGS)
        apply(plan)
        assert path.read_bytes() != content
        result = undo(UndoRecord.loads(plan.undo.dumps()))
        assert result.status == "undone"
        assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, mtime)

    def test_an_undo_can_be_undone(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        content = path.read_bytes()
        first = undo(apply(plan_write(path, OTHER, Policy.replace_own())).record)
        assert path.read_bytes() == content
        second = undo(first.record)
        assert second.status == "undone"
        assert read_tags(path).get("description") == "No"

    def test_undoing_twice_says_so_and_changes_nothing(self, path: Path) -> None:
        record = apply(plan_write(path, TAGS)).record
        undo(record)
        assert undo(record).status == "unchanged"

    def test_undo_follows_a_renamed_file(self, path: Path) -> None:
        content = path.read_bytes()
        record = apply(plan_write(path, TAGS)).record
        moved = path.rename(path.with_name("moved" + path.suffix))
        undo(record, path=moved)
        assert moved.read_bytes() == content

    def test_undo_refuses_when_somebody_wrote_since(self, path: Path) -> None:
        record = apply(plan_write(path, TAGS)).record
        self.add_foreign(path)
        content = path.read_bytes()
        with pytest.raises(ConflictError):
            undo(record)
        assert path.read_bytes() == content

    def test_a_file_that_changed_after_the_plan_is_a_conflict(self, path: Path) -> None:
        plan = plan_write(path, TAGS)
        self.add_foreign(path)
        content = path.read_bytes()
        with pytest.raises(ConflictError):
            apply(plan)
        assert path.read_bytes() == content

    def test_audio_changed_behind_size_and_time_is_a_conflict(self, path: Path) -> None:
        plan = plan_write(path, TAGS)
        status = path.stat()
        content = bytearray(path.read_bytes())
        middle = sum(plan.audio_before.spans[-1]) - 100
        content[middle] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with pytest.raises(ConflictError):
            apply(plan)
        assert path.read_bytes() == content

    def test_own_tags_are_replaced_and_withdrawn(self, path: Path) -> None:
        apply(plan_write(path, TAGS))
        apply(plan_write(path, OTHER, Policy.replace_own()))
        tags = read_tags(path)
        assert set(tags.keywords) == {"cat", "dog"}
        assert tags.get("catid") == ""
        assert tags.provenance.authors() == ("cnn@2.0.0",)
        apply(plan_write(path, TagSet(), Policy.replace_own()))
        assert read_tags(path).found == ()

    def test_a_vendors_tags_survive_everything_but_replace(self, path: Path) -> None:
        self.add_foreign(path)
        vendor = self.foreign(path)
        for policy in (Policy(), Policy.merge_keywords(), Policy.replace_own()):
            for tags in (TAGS, OTHER, TagSet()):
                plan = plan_write(path, tags, policy)
                apply(plan)
                kept = self.foreign(path)
                assert kept["genre"] == vendor["genre"]
                assert kept["title"] == vendor["title"]
                assert kept["keywords"].startswith(vendor["keywords"])
        assert self.foreign(path) == vendor

    def test_filling_gaps_leaves_a_vendors_keywords_alone(self, path: Path) -> None:
        self.add_foreign(path)
        plan = plan_write(path, TAGS)
        apply(plan)
        assert set(read_tags(path).keywords) == {"vendor word", "dog"}
        assert any(s.field == "keywords" and s.reason == "taken" for s in plan.skips)

    def test_a_vendors_keyword_that_is_also_ours_is_never_withdrawn(self, path: Path) -> None:
        self.add_foreign(path)
        apply(plan_write(path, TAGS, Policy.merge_keywords()))
        apply(plan_write(path, TagSet(), Policy.replace_own()))
        assert set(read_tags(path).keywords) == {"vendor word", "dog"}

    def test_permissions_and_attributes_are_kept(self, path: Path) -> None:
        path.chmod(0o640)
        os.setxattr(path, "user.rating", b"5")
        apply(plan_write(path, TAGS))
        assert path.stat().st_mode & 0o7777 == 0o640
        assert os.getxattr(path, "user.rating") == b"5"

    def test_the_modification_time_is_kept_when_asked(self, path: Path) -> None:
        os.utime(path, ns=(10**18, 10**18 + 7))
        apply(plan_write(path, TAGS, Policy(keep_mtime=True)))
        assert path.stat().st_mtime_ns == 10**18 + 7
        apply(plan_write(path, OTHER, Policy.replace_own()))
        assert path.stat().st_mtime_ns != 10**18 + 7

    def test_a_symbolic_link_stays_a_link(self, path: Path) -> None:
        link = path.with_name("link" + path.suffix)
        link.symlink_to(path.name)
        apply(plan_write(link, TAGS))
        assert link.is_symlink()
        assert read_tags(path).keywords == TAGS.keywords

    def test_any_file_name_the_system_allows(self, path: Path) -> None:
        name = b"\xff\xfe " + "ü".encode() * 100 + b"\n" + os.fsencode(path.suffix)
        odd = path.rename(path.parent / os.fsdecode(name))
        record = UndoRecord.loads(apply(plan_write(odd, TAGS)).record.dumps())
        assert read_tags(odd).keywords == TAGS.keywords
        undo(record)
        assert read_tags(odd).keywords == ()

    def test_thousands_of_keywords_fit(self, path: Path) -> None:
        content = path.read_bytes()
        words = tuple(f"keyword number {i} ü" for i in range(4000))
        record = apply(plan_write(path, TagSet(keywords=words))).record
        assert read_tags(path).keywords == words
        assert audio_identity(path).container == self.container
        undo(record)
        assert path.read_bytes() == content

    def test_a_file_nobody_may_write_gets_a_sidecar(self, path: Path) -> None:
        content = path.read_bytes()
        path.chmod(0o444)
        plan = plan_write(path, TAGS)
        apply(plan)
        assert plan.container == "sidecar"
        assert path.read_bytes() == content
        assert read_tags(path).keywords == TAGS.keywords
