"""What a scan does with trees that are broken, hostile, half excluded or still growing."""

from __future__ import annotations

import errno
import os
import unicodedata
from pathlib import Path

import pytest

from earmark.library.errors import LibraryEmptyError, RootNotFoundError
from earmark.library.models import AudioFile, Library
from earmark.library.services import (
    LibraryOptions,
    ScanReport,
    register_library,
    scan_library,
    storing,
    update_library,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name in ("a.wav", "sub/b.wav", "sub/deep/c.wav", "other/d.wav"):
        place = tmp_path / "sounds" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"sound")
    library = register_library(root=tmp_path / "sounds", trusted=True)
    scan_library(library=library)
    return library


@pytest.fixture
def root(library: Library) -> Path:
    return library.location


def states() -> dict[str, str]:
    return dict(AudioFile.objects.values_list("path", "state"))


def wear(library: Library, **options: str) -> Library:
    return update_library(library=library, options=LibraryOptions(**options))


class BrokenFolder:
    """An open folder whose reading breaks off after its first entry."""

    def __init__(self, real: object, number: int) -> None:
        self._entries = iter(list(real)[:1])  # type: ignore[call-overload]
        self._number = number

    def __enter__(self) -> BrokenFolder:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> BrokenFolder:
        return self

    def __next__(self) -> object:
        for entry in self._entries:
            return entry
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_folder_whose_reading_breaks_off_stays_as_it_was(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    real = os.scandir
    (root / "sub/b.wav").unlink()
    (root / "sub/deep/c.wav").unlink()
    (root / "other/d.wav").unlink()

    def scandir(path: bytes) -> object:
        return BrokenFolder(real(path), number) if path.endswith(b"sub") else real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = scan_library(library=library)

    assert [problem.path for problem in report.problems] == ["sub"]
    assert states() == {
        "a.wav": "present",
        "sub/b.wav": "present",
        "sub/deep/c.wav": "present",
        "other/d.wav": "missing",
    }


def test_a_file_that_cannot_be_looked_at_stays_as_it_was(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
):
    real = os.lstat

    def lstat(path: str | bytes) -> os.stat_result:
        if os.fsencode(path).endswith(b"b.wav"):
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(path)

    (root / "sub/b.wav").unlink()
    monkeypatch.setattr(os, "lstat", lstat)
    scan_library(library=library)

    assert set(states().values()) == {"present"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_in_a_folder_without_rights_do_not_vanish(library: Library, root: Path):
    (root / "sub").chmod(0)
    try:
        report = scan_library(library=library)
    finally:
        (root / "sub").chmod(0o755)

    assert [problem.code for problem in report.problems] == ["permission_denied"]
    assert set(states().values()) == {"present"}


def test_patterns_leave_files_out_and_let_them_in_again(library: Library):
    library = wear(library, exclude="# not these\n/sub/\n!/sub/b.wav\n*D.WAV\n")

    report = scan_library(library=library)

    assert (report.found, report.excluded, report.vanished) == (1, 3, 0)
    assert states() == {
        "a.wav": "present",
        "sub/b.wav": "excluded",
        "sub/deep/c.wav": "excluded",
        "other/d.wav": "excluded",
    }
    again = scan_library(library=library)
    assert (again.found, again.excluded) == (1, 0)

    back = scan_library(library=wear(library, include="[a-c].wav"))

    assert (back.returned, back.added) == (2, 0)
    assert states()["other/d.wav"] == "excluded"


def test_patterns_that_leave_everything_out_change_nothing(library: Library):
    with pytest.raises(LibraryEmptyError):
        scan_library(library=wear(library, exclude="*"))

    assert set(states().values()) == {"present"}


def test_a_folder_that_became_a_link_out_of_the_library_is_gone(
    library: Library, root: Path, tmp_path: Path
):
    (root / "sub").rename(tmp_path / "outside")
    (root / "sub").symlink_to(tmp_path / "outside", target_is_directory=True)

    scan_library(library=library)

    assert [path for path, state in states().items() if state == "missing"] == [
        "sub/b.wav",
        "sub/deep/c.wav",
    ]


@pytest.mark.parametrize("under", ["..", "sub/../..", "link", "link/x.wav", ".hidden"])
def test_a_scan_stays_in_the_library_wherever_it_is_to_begin(
    library: Library, root: Path, tmp_path: Path, under: str
):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.wav").touch()
    (root / ".hidden").mkdir()
    (root / "link").symlink_to(tmp_path / "outside", target_is_directory=True)

    with pytest.raises(RootNotFoundError):
        scan_library(library=library, under=under)

    assert AudioFile.objects.count() == 4


def test_hostile_names_are_kept_apart_and_found_again(library: Library, root: Path):
    names = [
        b"caf\xe9.wav",
        b"new\nline.wav",
        b"\xff\xfe" + b"x" * 249 + b".wav",
        unicodedata.normalize("NFC", "é.wav").encode(),
        unicodedata.normalize("NFD", "é.wav").encode(),
        b"a\\b.wav",
        b"\x1b[31m.wav",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(root) + b"/sub/" + name)).touch()

    assert scan_library(library=library).added == len(names)
    assert scan_library(library=library).unchanged == 4 + len(names)
    found = AudioFile.objects.filter(size=0).select_related("library")
    assert {os.fsencode(file.location.name) for file in found} == set(names)


def test_names_of_one_file_are_files_of_their_own(library: Library, root: Path):
    (root / "sub/again.wav").hardlink_to(root / "a.wav")

    assert scan_library(library=library).added == 1


def test_a_file_that_grows_while_it_is_scanned_is_left_for_the_next_scan(
    library: Library, root: Path, monkeypatch: pytest.MonkeyPatch
):
    (root / "a.wav").write_bytes(b"longer")
    real = storing.store_changed

    def grow_first(changed: object) -> object:
        with (root / "a.wav").open("ab") as file:
            file.write(b" and longer")
        return real(changed)  # type: ignore[arg-type]

    monkeypatch.setattr("earmark.library.services.scanning.store_changed", grow_first)
    assert scan_library(library=library).changed == 0
    monkeypatch.undo()

    assert AudioFile.objects.get(path="a.wav").size == 5
    assert scan_library(library=library).changed == 1
    assert AudioFile.objects.get(path="a.wav").size == 17


def test_new_files_settle_though_their_copies_have_old_times(library: Library, root: Path):
    (root / "copy.wav").touch()
    os.utime(root / "copy.wav", (1_000_000_000, 1_000_000_000))

    assert scan_library(library=library, settle_seconds=60).settling == 1
    assert scan_library(library=library, settle_seconds=0).added == 1


def test_files_without_a_folder_yet_are_given_theirs(library: Library):
    AudioFile.objects.update(folder_key=None)

    assert scan_library(library=library).unchanged == 4
    assert not AudioFile.objects.filter(folder_key=None).exists()


def test_progress_names_the_folder(library: Library):
    seen: list[str] = []

    def look(report: ScanReport) -> None:
        seen.append(report.cursor)

    scan_library(library=library, on_progress=look)

    assert seen == ["sub/deep"]
