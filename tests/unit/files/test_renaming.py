"""A rename takes nobody's place, whatever the file system offers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from earmark_files import renaming
from earmark_files.renaming import rename_new

WAYS = ["kernel", "links", "check first"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "kernel":
        monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    if request.param == "check first":

        def no_links(*names: object, follow_symlinks: bool) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_the_file_has_its_new_name_and_only_that(tmp_path: Path, way: str):
    old, new = tmp_path / "Track 1.wav", tmp_path / "ANMLDog_Größe_ёж.wav"
    old.write_bytes(b"sound")
    rename_new(old, new)
    assert names(tmp_path) == [new.name]
    assert new.read_bytes() == b"sound"


def test_a_name_that_is_taken_is_refused_and_both_stay(tmp_path: Path, way: str):
    old, new = tmp_path / "a.wav", tmp_path / "b.wav"
    old.write_bytes(b"a")
    new.write_bytes(b"b")
    with pytest.raises(FileExistsError):
        rename_new(old, new)
    assert (old.read_bytes(), new.read_bytes()) == (b"a", b"b")


def test_a_broken_link_takes_its_name_too(tmp_path: Path, way: str):
    old, new = tmp_path / "a.wav", tmp_path / "b.wav"
    old.write_bytes(b"a")
    new.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        rename_new(old, new)
    assert new.is_symlink()


def test_a_second_name_of_the_same_bytes_is_no_reason_to_lose_one(tmp_path: Path, way: str):
    old, new = tmp_path / "a.wav", tmp_path / "b.wav"
    old.write_bytes(b"a")
    os.link(old, new) if way != "check first" else new.write_bytes(b"a")
    with pytest.raises(FileExistsError):
        rename_new(old, new)
    assert names(tmp_path) == ["a.wav", "b.wav"]


def test_what_is_not_there_is_told(tmp_path: Path, way: str):
    with pytest.raises(FileNotFoundError):
        rename_new(tmp_path / "a.wav", tmp_path / "b.wav")
    assert names(tmp_path) == []


def test_another_case_is_the_same_name_where_the_disk_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stands in for a file system that does not tell cases apart: both names are one entry."""
    old, new = tmp_path / "rain.wav", tmp_path / "RAIN.wav"
    old.write_bytes(b"a")
    os.link(old, new)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "rain.wav"]))
    rename_new(old, new)
    assert new.read_bytes() == b"a"
