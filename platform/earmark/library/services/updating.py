"""Change what belongs to a library and how often it is scanned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act
from earmark.library.errors import InvalidLibraryError
from earmark.library.models import Library
from earmark.library.services.scans import restart_scans
from earmark_files.selection import InvalidPatternError, Selection

_LONGEST_MINUTES = 366 * 24 * 60
_LONGEST_SETTLING = 24 * 60 * 60


@dataclass(frozen=True)
class LibraryOptions:
    """What people may choose for a library.

    Attributes
    ----------
    include, exclude : str
        Patterns as in ``.gitignore``, one a line (`earmark_files.selection`).
    scan_every : int or None
        Minutes from one scan to the next; None: only when somebody asks.
    settle_seconds : int or None
        Files that changed within so many seconds wait for the next scan; None: as the setting
        ``EARMARK_SETTLE_SECONDS`` says.
    """

    include: str = ""
    exclude: str = ""
    scan_every: int | None = None
    settle_seconds: int | None = None


def check_options(options: LibraryOptions) -> None:
    """See to it that a library can have these options.

    Raises
    ------
    InvalidLibraryError
        If a pattern is none, or a number makes no sense.
    """
    try:
        Selection.of(options.include.splitlines(), options.exclude.splitlines())
    except InvalidPatternError as error:
        raise InvalidLibraryError(str(error)) from error
    every, settle = options.scan_every, options.settle_seconds
    if every is not None and not 1 <= every <= _LONGEST_MINUTES:
        raise InvalidLibraryError(
            f"Scans can be 1 to {_LONGEST_MINUTES:,} minutes apart (a year), not {every:,}."
        )
    if settle is not None and not 0 <= settle <= _LONGEST_SETTLING:
        raise InvalidLibraryError(
            f"Files can settle for 0 to {_LONGEST_SETTLING:,} seconds (a day), not {settle:,}."
        )


def update_library(
    *, library: Library, name: str | None = None, options: LibraryOptions | None = None
) -> Library:
    """Give a library another name or other options; a scan under way begins anew.

    Raises
    ------
    InvalidLibraryError
        If the options cannot be taken.
    """
    with transaction.atomic():
        library = Library.objects.select_for_update().get(pk=library.pk)
        if name is not None:
            library.name = name[:200] or library.name
        if options is not None:
            _take(library, options)
        library.save()
        details = asdict(options) if options is not None else {}
        record_act(act=Act.LIBRARY_CHANGED, on=library, details={"name": library.name, **details})
    return library


def _take(library: Library, options: LibraryOptions) -> None:
    check_options(options)
    if (library.include, library.exclude) != (options.include, options.exclude):
        # What was read so far was read with other patterns. Those under way load the library when
        # they begin, so they must begin after this.
        restart_scans(library=library)
    if library.scan_every != options.scan_every:
        library.scan_due_at = _first_due(library, options.scan_every)
    for field, value in asdict(options).items():
        setattr(library, field, value)


def _first_due(library: Library, minutes: int | None) -> datetime | None:
    if minutes is None:
        return None
    if library.last_scan_at is None:
        return timezone.now()
    return library.last_scan_at + timedelta(minutes=minutes)
