"""What is wrong with this machine: its clock, its disks, the folders of the libraries."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from earmark.jobs.diagnosis.findings import Finding
from earmark.jobs.selectors import list_workers
from earmark.library.models import AudioFile, Library

FULL_BELOW = 500 << 20
"""Fewer free bytes are too few: a file is copied before it is changed."""

MOST_SKEW = timedelta(seconds=5)
"""Clocks that differ by more are told about: leases go by the database's."""


def look_at_clocks() -> Iterator[Finding]:
    """Compare the clocks of this machine and of the workers with the database's."""
    skews = {"this machine": timezone.now() - _database_time()}
    for worker in list_workers():
        skews.setdefault(worker.host, worker.host_time - worker.last_seen_at)
    for host, skew in skews.items():
        if abs(skew) > MOST_SKEW:
            way = "ahead of" if skew > timedelta() else "behind"
            yield Finding(
                "clock_skew",
                f"The clock of {host} is {abs(skew).total_seconds():.0f} s {way} the database's.",
                "Let both follow a time server (`timedatectl set-ntp true`).",
            )


def look_at_libraries(libraries: Iterable[Library]) -> Iterator[Finding]:
    """Find libraries whose folder is away, or empty although files are known."""
    for library in libraries:
        problem = _problem_of(library)
        if problem:
            yield Finding(
                "library_offline",
                f"Library {library.name}: the folder {library.root} {problem}.",
                "Mount its volume; jobs that failed meanwhile are done again with "
                "`earmark jobs retry --library`.",
            )


def look_at_volumes(libraries: Iterable[Library]) -> Iterator[Finding]:
    """Find full and read-only volumes."""
    places: dict[str, Path] = {"the data folder": Path(settings.DATA_DIR)}
    places |= {f"library {library.name}": library.location for library in libraries}
    for what, place in places.items():
        if not place.is_dir():
            continue  # told already
        free = shutil.disk_usage(place).free
        if free < FULL_BELOW:
            yield Finding(
                "disk_full",
                f"The volume of {what} ({place}) has {free >> 20} MB left.",
                "Make room: tags are written into a copy of each file, which then replaces it.",
            )
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            yield Finding(
                "volume_read_only",
                f"The volume of {what} ({place}) can only be read.",
                "Mount it for writing, or start runs that leave files alone.",
            )


def _problem_of(library: Library) -> str:
    try:
        with os.scandir(library.location) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        return f"cannot be read ({os.strerror(error.errno or 0)})"
    if empty and AudioFile.objects.filter(library=library).present().exists():
        return "is empty although files were there"
    return ""


def _database_time() -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()  # SQLite goes by the clock of this machine
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now = cursor.fetchone()[0]
    assert isinstance(now, datetime)
    return now
