"""Finding sound files: which names count, and what is said about the odd ones."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark_files.errors import AudioFileError
from earmark_files.walk import FoundFile, Watcher, walk, walk_folders


def _tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))


def _names(root: Path, **selection: list[str]) -> list[str]:
    return [
        os.fsdecode(os.path.relpath(found.path, os.fsencode(root)))
        for found in walk(root, **selection)
    ]


def _problems(root: Path) -> dict[str, str]:
    return {
        os.fsdecode(os.path.relpath(found.path, os.fsencode(root))): found.problem.code
        for found in walk(root)
        if found.problem is not None
    }


def test_sound_files_are_found_in_sorted_order(tmp_path: Path) -> None:
    _tree(tmp_path, "b/2.WAV", "b/10.flac", "a.Mp3", "c.opus", "b/deep/er/x.aiff", "z.w64")

    assert _names(tmp_path) == [
        "a.Mp3",
        "c.opus",
        "z.w64",
        "b/10.flac",
        "b/2.WAV",
        "b/deep/er/x.aiff",
    ]
    assert _names(tmp_path) == _names(tmp_path)


def test_hidden_files_are_named_to_who_asks_and_not_yielded(tmp_path: Path) -> None:
    _tree(tmp_path, "a.wav", "b/.c.wav", ".git/x.wav")
    hidden: list[bytes] = []
    folders = list(walk_folders(tmp_path, watcher=Watcher(hidden=hidden.append)))
    assert [len(folder.files) for folder in folders] == [1, 0]
    assert hidden == [os.fsencode(tmp_path / "b/.c.wav")]


def test_what_is_no_sound_is_left_out(tmp_path: Path) -> None:
    _tree(
        tmp_path,
        *("cover.jpg", "notes.txt", "wav", "x.wav.earmark.json", "x.earmark.json", ".hidden.wav"),
        *("._x.wav", ".earmark-x.wav.tmp", ".earmark-1.wav", ".Trashes/x.wav", "@eaDir/x.wav"),
        *("#recycle/x.wav", "$RECYCLE.BIN/x.wav", "System Volume Information/x.wav"),
        *("__MACOSX/x.wav", "lost+found/x.wav", "ok.wav"),
    )

    assert _names(tmp_path) == ["ok.wav"]


def test_stat_data_are_those_of_the_file(tmp_path: Path) -> None:
    _tree(tmp_path, "a.wav")
    os.utime(tmp_path / "a.wav", ns=(1, 1_700_000_000_123_456_789))
    status = (tmp_path / "a.wav").stat()

    (found,) = walk(tmp_path)

    assert found == FoundFile(
        path=os.fsencode(tmp_path / "a.wav"),
        size=5,
        mtime_ns=1_700_000_000_123_456_789,
        inode=(status.st_dev, status.st_ino),
        ctime_ns=status.st_ctime_ns,
    )


def test_hard_links_share_their_inode(tmp_path: Path) -> None:
    _tree(tmp_path, "a.wav")
    (tmp_path / "b.wav").hardlink_to(tmp_path / "a.wav")

    one, other = walk(tmp_path)

    assert one.inode == other.inode


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9 \xff\n.wav"
    Path(os.fsdecode(name)).write_bytes(b"x")

    (found,) = walk(os.fsencode(tmp_path))

    assert found.path == name


def test_include_and_exclude_are_patterns_as_in_gitignore(tmp_path: Path) -> None:
    _tree(tmp_path, "Amb/rain.wav", "Amb/wind.mp3", "Fx/door.WAV", "Fx/Old/door.wav", "top.wav")

    assert _names(tmp_path, include=["*.wav"]) == [
        "top.wav",
        "Amb/rain.wav",
        "Fx/door.WAV",
        "Fx/Old/door.wav",
    ]
    assert _names(tmp_path, include=["/amb/"]) == ["Amb/rain.wav", "Amb/wind.mp3"]
    assert _names(tmp_path, exclude=["old/", "*.mp3"]) == ["top.wav", "Amb/rain.wav", "Fx/door.WAV"]
    assert _names(tmp_path, exclude=["Fx/*"]) == ["top.wav", "Amb/rain.wav", "Amb/wind.mp3"]
    assert _names(tmp_path, include=["*.wav"], exclude=["Fx/Old"])[1:] == [
        "Amb/rain.wav",
        "Fx/door.WAV",
    ]


def test_links_neither_leave_the_library_nor_loop(tmp_path: Path) -> None:
    root, outside = tmp_path / "library", tmp_path / "outside"
    _tree(root, "a.wav", "folder/b.wav")
    _tree(outside, "secret.wav")
    (root / "folder/up").symlink_to(root, target_is_directory=True)
    (root / "out").symlink_to(outside, target_is_directory=True)
    (root / "inside.wav").symlink_to(root / "a.wav")
    (root / "secret.wav").symlink_to(outside / "secret.wav")

    assert _names(root) == ["a.wav", "secret.wav", "folder/b.wav"]
    assert _problems(root) == {"secret.wav": "not_a_regular_file"}


def test_library_reached_through_a_link_is_walked_under_the_given_name(tmp_path: Path) -> None:
    _tree(tmp_path / "real", "a.wav")
    (tmp_path / "real/b.wav").symlink_to(tmp_path / "real/a.wav")
    (tmp_path / "link").symlink_to("real")

    assert [found.path for found in walk(tmp_path / "link/")] == [
        os.fsencode(tmp_path / "link/a.wav")
    ]


def test_what_is_no_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tree(tmp_path, "good.wav")
    os.mkfifo(tmp_path / "fifo.wav")
    os.mkfifo(tmp_path / "fifo-without-extension")
    (tmp_path / "dev.wav").symlink_to("/dev/zero")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "gone.wav").symlink_to("nowhere.wav")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock.wav")

    assert _problems(tmp_path) == {
        "fifo.wav": "not_a_regular_file",
        "dev.wav": "not_a_regular_file",
        "loop.wav": "not_a_regular_file",
        "gone.wav": "file_not_found",
        "sock.wav": "not_a_regular_file",
    }
    assert "good.wav" in _names(tmp_path)


def test_folder_named_like_a_sound_is_entered(tmp_path: Path) -> None:
    _tree(tmp_path, "album.wav/one.wav")

    assert _names(tmp_path) == ["album.wav/one.wav"]


def test_folder_that_vanishes_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    _tree(tmp_path, "a/1.wav", "b/2.wav", "c/3.wav")
    found = walk(tmp_path)
    first = next(found)
    (tmp_path / "b/2.wav").unlink()
    (tmp_path / "b").rmdir()

    rest = list(found)

    assert first.path.endswith(b"a/1.wav")
    assert [item.problem.code if item.problem else item.path[-5:] for item in rest] == [
        "file_not_found",
        b"3.wav",
    ]


def test_missing_root_is_an_error_and_not_an_empty_library(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError) as caught:
        list(walk(tmp_path / "unmounted"))
    assert caught.value.code == "file_not_found"


def test_single_file_is_its_own_library(tmp_path: Path) -> None:
    _tree(tmp_path, "sound.unknown")

    assert [found.path for found in walk(tmp_path / "sound.unknown")] == [
        os.fsencode(tmp_path / "sound.unknown")
    ]


@pytest.fixture
def deep_folder() -> Iterator[Path]:
    """Return a folder with 1,200 levels below it; pytest could not remove it again itself."""
    top = Path(tempfile.mkdtemp())
    here = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("x.wav", os.O_CREAT, dir_fd=here))
    os.close(here)
    yield top
    subprocess.run(["rm", "-rf", str(top)], check=True)


def test_folders_may_be_nested_deeper_than_python_recurses(deep_folder: Path) -> None:
    (found,) = walk(deep_folder)

    assert found.path.endswith(b"/d/x.wav")


def test_ten_thousand_files_would_take_well_under_a_second(tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / f"{folder:03}").mkdir()
        for number in range(100):
            (tmp_path / f"{folder:03}" / f"{number:03}.wav").touch()

    start = time.process_time()
    count = sum(1 for _ in walk(tmp_path, exclude=["Backup", "*/old/*"]))

    assert count == 2000
    assert time.process_time() - start < 0.16
