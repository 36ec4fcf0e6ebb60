"""Scans as rows: one at a time for each library, taken over from the dead, on schedule."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from earmark.library.errors import InvalidLibraryError, LibraryBusyError
from earmark.library.models import AudioFile, Library, Scan
from earmark.library.selectors import list_libraries_due
from earmark.library.services import (
    LibraryOptions,
    ScanReport,
    claim_scan,
    register_library,
    remove_library,
    request_scan,
    run_next_scan,
    run_scan,
    scan_library,
    scanning,
    start_due_scans,
    update_library,
)
from earmark.settings.env import VARIABLES
from tests.factories import make_sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Six folders of two sounds; one folder is a batch."""
    monkeypatch.setattr(scanning, "_FOLDERS_AT_ONCE", 1)
    for number in range(12):
        folder = tmp_path / "sounds" / f"{number // 2}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.wav").write_bytes(b"sound")
    return register_library(root=tmp_path / "sounds", trusted=True)


def expire(scan: Scan) -> None:
    Scan.objects.filter(pk=scan.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def stop_after(batches: int):
    """Return what says stop after so many batches."""
    left = iter(range(batches - 1))
    return lambda: next(left, None) is None


def test_the_row_tells_how_far_a_running_scan_is(library: Library):
    request_scan(library=library)
    seen: list[tuple[str, int, int, str]] = []

    def look(_: ScanReport) -> None:
        row = Scan.objects.get()
        assert row.updated_at is not None
        assert row.lease_until is not None
        seen.append((row.state, row.folders, row.added, row.cursor))

    done = run_next_scan(worker="w", on_progress=look)

    assert seen[:3] == [("running", 1, 0, ""), ("running", 2, 2, "0"), ("running", 3, 4, "1")]
    assert done is not None
    assert (done.state, done.folders, done.added, done.lease_until) == ("succeeded", 7, 12, None)


def test_a_worker_that_is_to_stop_leaves_the_scan_to_the_next_one(library: Library):
    request_scan(library=library)

    stopped = run_next_scan(worker="one", should_stop=stop_after(3))
    assert stopped is not None
    assert (stopped.state, stopped.cursor, stopped.added) == ("queued", "1", 4)

    read: list[str] = []
    done = run_next_scan(worker="two", on_progress=lambda report: read.append(report.cursor))

    assert read[:4] == ["2", "3", "4", "5"]
    assert done is not None
    assert (done.pk, done.state, done.found, done.added) == (stopped.pk, "succeeded", 12, 12)
    assert done.lost_leases == 0


def test_what_vanished_before_the_break_and_behind_it_is_found(library: Library):
    scan_library(library=library)
    request_scan(library=library)
    run_next_scan(worker="one", should_stop=stop_after(4))
    for gone in ("5/10.wav", "0/0.wav"):
        (library.location / gone).unlink()
    for name in ("2.wav", "3.wav"):
        (library.location / "1" / name).unlink()
    (library.location / "1").rmdir()

    run_next_scan(worker="two")

    missing = set(AudioFile.objects.missing().values_list("path", flat=True))
    # The folder 0 was read before the break; what happened in it since is for the next scan.
    assert missing == {"5/10.wav", "1/2.wav", "1/3.wav"}
    assert scan_library(library=library).vanished == 1


def test_a_library_is_scanned_by_one_worker_at_a_time(library: Library, tmp_path: Path):
    request_scan(library=library)
    mine = claim_scan(worker="one")
    again = request_scan(library=library)

    assert mine is not None
    assert claim_scan(worker="two") is None
    (tmp_path / "other").mkdir()
    other = request_scan(library=register_library(root=tmp_path / "other", trusted=True))
    assert claim_scan(worker="two") == other

    run_scan(scan=mine)
    assert claim_scan(worker="three") == again


def test_the_scan_of_a_dead_worker_is_taken_over_and_its_ghost_changes_nothing(library: Library):
    request_scan(library=library)
    ghost = claim_scan(worker="one")
    assert ghost is not None
    assert claim_scan(worker="two") is None

    expire(ghost)
    heir = claim_scan(worker="two")
    late = run_scan(scan=ghost)

    assert heir is not None
    assert (late.worker, late.state, late.folders) == ("two", "running", 0)
    assert run_scan(scan=heir).state == "succeeded"
    assert run_scan(scan=heir).found == 12


def test_a_worker_known_to_be_dead_is_not_waited_for(library: Library):
    request_scan(library=library)
    assert claim_scan(worker="one") is not None

    assert claim_scan(worker="two", dead_workers=["one"]) is not None


def test_a_scan_that_no_worker_survives_fails_in_the_end(library: Library):
    request_scan(library=library)
    for number in range(6):
        scan = claim_scan(worker=f"{number}")
        assert scan is not None
        expire(scan)

    assert claim_scan(worker="last") is None
    scan = Scan.objects.get()
    assert (scan.state, scan.error_code) == ("failed", "scan_abandoned")


CHILD = """
import os, sys, time, django
django.setup()
from earmark.library.services import run_next_scan, scanning
scanning._FOLDERS_AT_ONCE = 1
def tell(report):
    print(report.folders, flush=True)
    time.sleep(0.2)
run_next_scan(worker="killed", on_progress=tell)
"""


@pytest.mark.django_db(transaction=True)
def test_a_scan_whose_process_is_killed_goes_on_elsewhere_without_harm(library: Library):
    request_scan(library=library)
    database = connection.settings_dict
    code = (
        "from django.conf import settings; import earmark.settings.test as t\n"
        f"t.DATABASES['default']['NAME'] = {str(database['NAME'])!r}\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code + CHILD],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "earmark.settings.test"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    while child.stdout.readline().strip() != "3":
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.communicate()

    half = Scan.objects.get()
    assert (half.state, half.worker, half.folders) == ("running", "killed", 3)
    assert AudioFile.objects.count() == 4
    done = run_next_scan(worker="heir", dead_workers=["killed"])

    assert done is not None
    assert (done.state, done.found, done.added, done.lost_leases) == ("succeeded", 12, 12, 1)
    assert AudioFile.objects.present().count() == 12
    assert scan_library(library=library).unchanged == 12


def test_other_patterns_let_a_scan_that_is_under_way_begin_anew(library: Library):
    request_scan(library=library)
    mine = claim_scan(worker="one")
    assert mine is not None

    update_library(library=library, options=LibraryOptions(exclude="/0/"))

    assert run_scan(scan=mine).state == "queued"
    done = run_next_scan(worker="two")
    assert done is not None
    assert (done.state, done.found) == ("succeeded", 10)


def test_a_library_is_due_by_its_schedule_and_spread_a_little(library: Library):
    assert start_due_scans() == []
    update_library(library=library, options=LibraryOptions(scan_every=60))

    (asked,) = start_due_scans()
    assert start_due_scans() == []  # one is open
    run_next_scan(worker="w")

    library.refresh_from_db()
    assert asked.library == library
    assert library.scan_due_at is not None
    minutes = (library.scan_due_at - timezone.now()).total_seconds() / 60
    assert 53 < minutes < 67
    assert list_libraries_due() == []
    Library.objects.update(scan_due_at=timezone.now() - timedelta(seconds=1))
    assert list_libraries_due() == [library]
    update_library(library=library, options=LibraryOptions())
    assert list_libraries_due() == []


def test_a_library_that_is_offline_is_tried_again_on_schedule(library: Library):
    update_library(library=library, options=LibraryOptions(scan_every=5))
    library.location.rename(library.location.parent / "unmounted")
    start_due_scans()

    done = run_next_scan(worker="w")

    assert done is not None
    assert done.error_code == "library_offline"
    library.refresh_from_db()
    assert library.scan_due_at is not None


def test_files_that_are_still_being_copied_are_left_and_looked_at_again_soon(library: Library):
    update_library(library=library, options=LibraryOptions(settle_seconds=600))
    request_scan(library=library)

    done = run_next_scan(worker="w")

    assert done is not None
    assert (done.found, done.added, done.settling) == (12, 0, 12)
    library.refresh_from_db()
    assert library.scan_due_at is not None
    assert 0 < (library.scan_due_at - timezone.now()).total_seconds() <= 61


def test_the_setting_holds_where_a_library_has_no_settle_time_of_its_own(
    library: Library, settings: object
):
    settings.EARMARK_SETTLE_SECONDS = 600  # type: ignore[attr-defined]
    request_scan(library=library)

    done = run_next_scan(worker="w")

    assert done is not None
    assert done.settling == 12
    assert VARIABLES["EARMARK_SETTLE_SECONDS"].default == "30"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (LibraryOptions(exclude="a\n!"), "is not a pattern"),
        (LibraryOptions(scan_every=0), "minutes apart"),
        (LibraryOptions(settle_seconds=100_000), "seconds"),
    ],
)
def test_options_that_make_no_sense_are_refused_and_change_nothing(
    library: Library, options: LibraryOptions, words: str
):
    with pytest.raises(InvalidLibraryError, match=words):
        update_library(library=library, options=options)

    library.refresh_from_db()
    assert (library.exclude, library.scan_every, library.settle_seconds) == ("", None, None)


def test_a_library_that_is_removed_leaves_its_files_alone(library: Library):
    scan_library(library=library)
    request_scan(library=library)
    assert claim_scan(worker="w") is not None
    with pytest.raises(LibraryBusyError):
        remove_library(library=library)
    Scan.objects.all().delete()
    before = sorted(os.walk(library.location))

    assert remove_library(library=library) == 12

    assert not Library.objects.exists()
    assert not AudioFile.objects.exists()
    assert sorted(os.walk(library.location)) == before


def test_a_folder_moved_within_the_library_is_found_at_its_new_place(library: Library):
    scan_library(library=library)
    (library.location / "new").mkdir()
    (library.location / "3").rename(library.location / "new/3")

    report = scan_library(library=library)

    assert (report.added, report.vanished, report.unchanged) == (2, 2, 10)
    assert AudioFile.objects.get(path="new/3/6.wav").state == "present"


def test_a_rescan_of_what_did_not_change_asks_little_and_writes_nothing_per_file(
    library: Library, django_assert_max_num_queries: object, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scanning, "_FOLDERS_AT_ONCE", 200)
    scan_library(library=library)
    make_sound(library.location / "9/new.wav")
    scan_library(library=library)
    before = list(AudioFile.objects.order_by("pk").values())

    with django_assert_max_num_queries(8) as asked:  # type: ignore[operator]
        assert scan_library(library=library).unchanged == 13

    statements = [query["sql"] for query in asked.captured_queries]
    assert not [sql for sql in statements if "library_audiofile" in sql and "SELECT" not in sql]
    assert list(AudioFile.objects.order_by("pk").values()) == before
