"""Formats without tags and read-only places: the tags go into a JSON file beside the sound."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    ConflictError,
    MetadataError,
    Policy,
    Sidecar,
    TagSet,
    apply,
    plan_write,
    read_tags,
    undo,
)
from earmark_files.metadata.sidecar import sidecar_path
from tests.audio_factory import Tone, write_tone
from tests.unit.metadata.contract import OTHER, TAGS

WITHOUT_TAGS = ["caf-24", "w64", "au", "wma", "aac", "webm", "wavpack", "wav-big-endian"]


@pytest.fixture
def caf(tmp_path: Path) -> Path:
    return write_tone(tmp_path, "caf-24", Tone(seconds=0.1, rate=48000))


@pytest.mark.parametrize("format_name", WITHOUT_TAGS)
def test_formats_without_tags_get_a_sidecar(tmp_path: Path, format_name: str) -> None:
    path = write_tone(tmp_path, format_name, Tone(seconds=0.1, rate=48000))
    content = path.read_bytes()
    plan = plan_write(path, TAGS)
    assert (plan.container, plan.target) == ("sidecar", sidecar_path(path))
    apply(plan)
    assert path.read_bytes() == content
    assert read_tags(path).keywords == TAGS.keywords
    assert plan_write(path, TAGS).is_noop


def test_the_sidecar_is_json_that_people_can_read(caf: Path) -> None:
    apply(plan_write(caf, TAGS, audio_hash=audio_identity(caf).hash))
    content = json.loads(sidecar_path(caf).read_text("utf-8"))
    assert content["schema"] == "earmark-sidecar/1"
    assert content["file"] == caf.name
    assert content["audio"] == audio_identity(caf).hash
    assert content["tags"]["keywords"] == list(TAGS.keywords)
    assert content["provenance"]["by"] == ["audioset@1.0.0"]


def test_it_has_the_permissions_a_new_file_of_this_user_has(caf: Path) -> None:
    apply(plan_write(caf, TAGS))
    plain = caf.with_name("plain")
    plain.touch()
    assert sidecar_path(caf).stat().st_mode == plain.stat().st_mode


def test_undo_removes_a_sidecar_that_was_made_and_redo_makes_it_again(caf: Path) -> None:
    made = apply(plan_write(caf, TAGS))
    content = sidecar_path(caf).read_bytes()
    undone = undo(made.record)
    assert undone.status == "removed"
    assert not sidecar_path(caf).exists()
    assert undo(made.record).status == "unchanged"
    undo(undone.record)
    assert sidecar_path(caf).read_bytes() == content


def test_undo_keeps_a_sidecar_somebody_edited(caf: Path) -> None:
    made = apply(plan_write(caf, TAGS))
    sidecar = sidecar_path(caf)
    sidecar.write_text(sidecar.read_text("utf-8").replace("near", "far"), "utf-8")
    with pytest.raises(ConflictError):
        undo(made.record)
    assert "far" in sidecar.read_text("utf-8")


def test_a_persons_edit_and_unknown_members_survive(caf: Path) -> None:
    apply(plan_write(caf, TAGS))
    sidecar = sidecar_path(caf)
    content = json.loads(sidecar.read_text("utf-8"))
    content["studio"] = {"rating": 5}
    content["tags"]["category"] = "WOLVES"
    sidecar.write_text(json.dumps(content), "utf-8")
    apply(plan_write(caf, OTHER, Policy.replace_own()))
    content = json.loads(sidecar.read_text("utf-8"))
    assert content["studio"] == {"rating": 5}
    assert content["tags"]["category"] == "WOLVES"
    assert content["tags"]["keywords"] == ["dog", "cat"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "earmark-sidecar/2"}', '{"schema": 1}']
)
def test_a_sidecar_that_is_not_understood_is_refused_and_kept(caf: Path, text: str) -> None:
    sidecar = sidecar_path(caf)
    sidecar.write_text(text or " ", "utf-8")
    with pytest.raises(MetadataError) as refused:
        plan_write(caf, TAGS)
    assert refused.value.code == "malformed_file"
    assert sidecar.read_text("utf-8") == (text or " ")
    assert "sidecar" in read_tags(caf).skipped


def test_a_sidecar_that_appeared_after_the_plan_is_a_conflict(caf: Path) -> None:
    plan = plan_write(caf, TAGS)
    sidecar_path(caf).write_text("{}", "utf-8")
    with pytest.raises(ConflictError):
        apply(plan)
    assert sidecar_path(caf).read_text("utf-8") == "{}"


def test_policies_decide_about_sidecars(tmp_path: Path, caf: Path) -> None:
    with pytest.raises(MetadataError) as refused:
        plan_write(caf, TAGS, Policy(sidecar=Sidecar.NEVER))
    assert refused.value.code == "unsupported_format"
    wav = write_tone(tmp_path, "wav-16", Tone(seconds=0.1, rate=48000))
    content = wav.read_bytes()
    apply(plan_write(wav, TAGS, Policy(sidecar=Sidecar.ALWAYS)))
    assert wav.read_bytes() == content
    assert read_tags(wav).keywords == TAGS.keywords


def test_a_file_nobody_may_write_is_an_error_where_sidecars_are_not_wanted(tmp_path: Path) -> None:
    wav = write_tone(tmp_path, "wav-16", Tone(seconds=0.1, rate=48000))
    wav.chmod(0o444)
    with pytest.raises(MetadataError) as refused:
        plan_write(wav, TAGS, Policy(sidecar=Sidecar.NEVER))
    assert refused.value.code == "read_only"


def test_a_folder_nobody_may_write_needs_a_sidecar_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, elsewhere = tmp_path / "library", tmp_path / "elsewhere"
    library.mkdir()
    elsewhere.mkdir()
    wav = write_tone(library, "wav-16", Tone(seconds=0.1, rate=48000))
    allowed = os.access
    # The tests may run as root, whom no permission stops; a read-only mount would.
    monkeypatch.setattr(os, "access", lambda p, m: Path(p) != library and allowed(p, m))
    with pytest.raises(MetadataError) as refused:
        plan_write(wav, TAGS)
    assert refused.value.code == "read_only"
    plan = plan_write(wav, TAGS, Policy(sidecar_dir=elsewhere))
    apply(plan)
    assert plan.target.parent == elsewhere
    assert plan_write(wav, TAGS, Policy(sidecar_dir=elsewhere)).is_noop
    assert read_tags(wav, sidecar_dir=elsewhere).keywords == TAGS.keywords


def test_withdrawing_everything_leaves_an_empty_sidecar(caf: Path) -> None:
    apply(plan_write(caf, TAGS))
    apply(plan_write(caf, TagSet(), Policy.replace_own()))
    assert read_tags(caf).found == ()
