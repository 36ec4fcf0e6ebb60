"""Renames whose process was killed, or whose file another command has in hand at this moment."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, transaction

from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.writeback import renaming
from earmark.writeback.errors import RenameRefusedError
from earmark.writeback.models import FileRename
from earmark.writeback.renaming import rename_file, settle_renames, undo_rename
from earmark.writeback.ucs_planning import FileUcs, RenamePlan, sidecars_of
from earmark_files.metadata import TagSet, apply, plan_write
from earmark_files.metadata.undo_store import UndoStore
from tests.audio_factory import write_samples

pytestmark = pytest.mark.django_db

State = FileRename.State
NOBODY = FileUcs(None, 0.0, "", ())


class Killed(BaseException):
    """Stands in for a process that dies."""


@pytest.fixture
def folder(tmp_path: Path, data_dir: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    write_samples(folder / "old.wav", np.zeros((800, 1)), 8000)
    (folder / "old.txt").write_text("slate")
    scan_library(library=register_library(root=folder, trusted=True))
    return folder


def plan() -> RenamePlan:
    file = AudioFile.objects.select_related("library").get(path="old.wav")
    return RenamePlan(file, NOBODY, "new.wav", (("old.txt", "new.txt"),))


def begun(folder: Path) -> FileRename:
    """Make the row of a rename that got no further."""
    return FileRename.objects.create(
        file=AudioFile.objects.get(),
        batch="b",
        old_path="old.wav",
        new_path="new.wav",
        sidecars=[["old.txt", "new.txt"]],
    )


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def kill_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    real, calls = renaming.rename_new, []

    def die(old: Path, new: Path) -> None:
        calls.append(old)
        if len(calls) == call:
            raise Killed
        real(old, new)

    monkeypatch.setattr(renaming, "rename_new", die)


def test_an_undo_that_was_killed_half_way_is_finished_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    rename = rename_file(plan=plan(), batch="b")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 2)
        undo_rename(rename_id=rename.pk)
    assert names(folder) == ["new.txt", "old.wav"]
    undo_rename(rename_id=rename.pk)
    assert names(folder) == ["old.txt", "old.wav"]
    assert AudioFile.objects.get().path == "old.wav"
    assert FileRename.objects.get().state == State.UNDONE


def test_another_file_under_the_old_name_is_not_taken_for_an_undo_half_done(folder: Path):
    rename = rename_file(plan=plan(), batch="b")
    (folder / "new.wav").unlink()
    (folder / "old.wav").write_bytes(b"another")
    with pytest.raises(RenameRefusedError, match="moved or renamed since"):
        undo_rename(rename_id=rename.pk)
    assert names(folder) == ["new.txt", "old.wav"]


def test_a_file_with_both_names_loses_the_old_one_only(folder: Path):
    begun(folder)
    content = (folder / "old.wav").read_bytes()
    os.link(folder / "old.wav", folder / "new.wav")
    assert settle_renames() == 1
    assert names(folder) == ["new.txt", "new.wav"]
    assert (folder / "new.wav").read_bytes() == content
    assert AudioFile.objects.get().path == "new.wav"


def test_a_sidecar_whose_new_name_is_taken_since_stays_and_the_rename_is_finished(folder: Path):
    begun(folder)
    (folder / "old.wav").rename(folder / "new.wav")
    (folder / "new.txt").write_text("another")
    assert settle_renames() == 1
    assert names(folder) == ["new.txt", "new.wav", "old.txt"]
    assert (folder / "new.txt").read_text() == "another"
    assert FileRename.objects.get().state == State.DONE


def test_nothing_is_concluded_while_the_disk_is_away(folder: Path, tmp_path: Path):
    begun(folder)
    (folder / "old.wav").rename(folder / "new.wav")
    folder.rename(tmp_path / "away")
    assert settle_renames() == 0
    assert FileRename.objects.get().state == State.PLANNED
    (tmp_path / "away").rename(folder)
    assert settle_renames() == 1
    assert AudioFile.objects.get().path == "new.wav"


def test_a_rename_that_was_given_up_meanwhile_is_not_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    real = renaming._hold

    def hold_too_late(rename: FileRename) -> None:
        settle_renames()
        real(rename)

    monkeypatch.setattr(renaming, "_hold", hold_too_late)
    with pytest.raises(RenameRefusedError) as told:
        rename_file(plan=plan(), batch="b")
    assert told.value.code == "interrupted"
    assert names(folder) == ["old.txt", "old.wav"]
    assert FileRename.objects.get().state == State.FAILED


@pytest.mark.skipif(
    not connection.features.has_select_for_update_skip_locked,
    reason="this database lets one process write at a time anyway",
)
@pytest.mark.django_db(transaction=True)
def test_a_rename_that_another_process_has_in_hand_is_left_to_it(folder: Path):
    rename = begun(folder)
    with transaction.atomic():
        renaming._hold(rename)

        def settle() -> int:
            try:
                return settle_renames()
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(settle).result(timeout=30) == 0
    assert settle_renames() == 1


def test_undo_records_follow_also_where_a_scan_came_between(folder: Path):
    rename = begun(folder)
    store = UndoStore(Path(settings.DATA_DIR) / "undo")
    write = plan_write(folder / "old.wav", TagSet(keywords=("dog",)))
    store.push(folder / "old.wav", write.undo)
    apply(write)
    (folder / "old.wav").rename(folder / "new.wav")
    scan_library(library=Library.objects.get())
    assert settle_renames() == 1
    assert FileRename.objects.get(pk=rename.pk).file.path == "new.wav"
    assert len(list(store.places(folder / "new.wav"))) == 1


def test_neither_a_sound_nor_its_sidecars_go_along_with_another_sound(folder: Path):
    for name in ("old.wav.flac", "old.wav.flac.xmp", "old.wav.earmark.json"):
        (folder / name).write_bytes(b"x")
    assert sidecars_of(folder / "old.wav") == ["old.txt", "old.wav.earmark.json"]
