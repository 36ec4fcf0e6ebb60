"""Folders become libraries, where that is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from earmark.jobs.models import Run
from earmark.jobs.services import submit_run
from earmark.library.errors import LibraryExistsError, RootNotAllowedError, RootNotFoundError
from earmark.library.models import AudioFile, Library, Scan
from earmark.library.selectors import find_library
from earmark.library.services import register_library, request_scan, run_next_scan, scan_library
from tests.factories import ClassifierVersionFactory, make_sound

pytestmark = pytest.mark.django_db


def test_a_folder_is_named_after_itself_and_links_are_resolved(tmp_path: Path):
    (tmp_path / "Foley").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Foley")

    library = register_library(root=tmp_path / "link", trusted=True)

    assert (library.name, library.location) == ("Foley", tmp_path / "Foley")


def test_the_web_registers_only_inside_the_allowed_roots(tmp_path: Path, settings: Settings):
    for name in ("allowed/in", "allowed-not"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "allowed/escape").symlink_to(tmp_path / "allowed-not")
    settings.EARMARK_LIBRARY_ROOTS = [tmp_path / "allowed"]

    assert register_library(root=tmp_path / "allowed/in").pk
    for outside in ("allowed-not", "allowed/../allowed-not", "allowed/escape", "none"):
        with pytest.raises(RootNotAllowedError) as caught:
            register_library(root=tmp_path / outside)
        assert "EARMARK_LIBRARY_ROOTS" in caught.value.hint


def test_without_allowed_roots_the_web_registers_nothing(tmp_path: Path, settings: Settings):
    settings.EARMARK_LIBRARY_ROOTS = []

    with pytest.raises(RootNotAllowedError, match="none is set"):
        register_library(root=tmp_path)


@pytest.mark.parametrize("name", ["none", "file.wav"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str):
    make_sound(tmp_path / "file.wav")

    with pytest.raises(RootNotFoundError):
        register_library(root=tmp_path / name, trusted=True)


def test_a_folder_in_a_library_belongs_to_it(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    library = register_library(root=tmp_path, trusted=True)

    for folder in (tmp_path, tmp_path / "sub"):
        with pytest.raises(LibraryExistsError):
            register_library(root=folder, trusted=True)

    place = find_library(tmp_path / "sub")
    assert place is not None
    assert (place.library, place.under) == (library, "sub")
    assert find_library(tmp_path.parent) is None


def test_a_folder_around_libraries_takes_them_over_with_all_that_is_known(tmp_path: Path):
    make_sound(tmp_path / "in/ner/a.wav")
    make_sound(tmp_path / "other/b.wav")
    inner = register_library(root=tmp_path / "in/ner", trusted=True)
    other = register_library(root=tmp_path / "other", trusted=True)
    scan_library(library=inner)
    scan_library(library=other)
    run = submit_run(library=inner, classifiers=[ClassifierVersionFactory()])
    request_scan(library=inner)
    request_scan(library=other)
    files = dict(AudioFile.objects.values_list("pk", "path"))

    outer = register_library(root=tmp_path, trusted=True)

    assert list(Library.objects.all()) == [outer]
    assert sorted(AudioFile.objects.values_list("pk", flat=True)) == sorted(files)
    report = scan_library(library=outer)
    assert (report.unchanged, report.added, report.vanished) == (2, 0, 0)
    assert run is not None
    moved = Run.objects.get(pk=run.pk)
    assert (moved.library, moved.under) == (outer, "in/ner")


def test_a_scan_that_was_asked_for_is_done_once_and_recorded(tmp_path: Path):
    make_sound(tmp_path / "a.wav")
    library = register_library(root=tmp_path, trusted=True)
    asked = request_scan(library=library)
    assert request_scan(library=library) == asked

    done = run_next_scan(worker="w")

    assert done is not None
    assert (done.pk, done.state, done.found, done.added) == (asked.pk, "succeeded", 1, 1)
    assert run_next_scan(worker="w") is None
    assert request_scan(library=library) != asked


def test_a_scan_of_a_library_that_is_offline_fails_with_the_reason(tmp_path: Path):
    (tmp_path / "sounds").mkdir()
    library = register_library(root=tmp_path / "sounds", trusted=True)
    request_scan(library=library)
    (tmp_path / "sounds").rmdir()

    done = run_next_scan(worker="w")

    assert done is not None
    assert (done.state, done.error_code) == ("failed", "library_offline")
    assert "not there" in done.error_message


def test_a_narrow_and_a_wide_request_are_answered_by_a_wide_scan(tmp_path: Path):
    make_sound(tmp_path / "sub/a.wav")
    make_sound(tmp_path / "b.wav")
    library = register_library(root=tmp_path, trusted=True)
    request_scan(library=library, under="sub")
    request_scan(library=library)

    done = run_next_scan(worker="w")

    assert done is not None
    assert done.found == 2
    assert Scan.objects.count() == 1
