"""Make a folder a library."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act
from earmark.library.errors import LibraryExistsError, RootNotAllowedError, RootNotFoundError
from earmark.library.models import AudioFile, Library
from earmark.library.paths import folder_key, path_key, to_relative
from earmark.library.roles import Role
from earmark.library.selectors import find_library, list_libraries_below
from earmark.library.services.relations import repoint_rows
from earmark.library.services.roles import grant_role
from earmark.library.services.updating import LibraryOptions, check_options
from earmark_files.paths import display, path_to_text

log = structlog.get_logger(__name__)

_BATCH = 1000


def register_library(
    *,
    root: Path,
    name: str = "",
    trusted: bool = False,
    options: LibraryOptions | None = None,
    manager: User | None = None,
) -> Library:
    """Make a folder a library.

    A folder that contains libraries takes them over, with all that is known about their files:
    a file belongs to one library only. Roles in them end: who may see the larger folder has to be
    said anew.

    Parameters
    ----------
    root : Path
        The folder; links in it are resolved.
    name : str
        What people call it; by default the folder's name.
    trusted : bool
        Whether the request comes from the shell, whose user can reach the folder anyway. Others
        are held to the roots in ``EARMARK_LIBRARY_ROOTS``.
    options : LibraryOptions, optional
        Which files belong to it and how often it is scanned; by default all, on request.
    manager : User, optional
        Who is to manage it; superusers can anyway.

    Raises
    ------
    InvalidLibraryError
        If the options cannot be taken.
    RootNotFoundError
        If it is not a folder that can be read.
    RootNotAllowedError
        If it lies outside the allowed roots.
    LibraryExistsError
        If it is a library already or lies in one.
    """
    location = check_registration(root=root, trusted=trusted)
    options = options or LibraryOptions()
    check_options(options)
    name = (name or display(location.name or str(location)))[:200]
    try:
        library = _create(location, name, options, manager)
    except IntegrityError as error:
        holder = Library.objects.get(root_key=path_key(path_to_text(location)))
        raise _exists(location, holder) from error
    log.info("library_registered", library=library.pk, root=library.root)
    return library


def check_registration(*, root: Path, trusted: bool = False) -> Path:
    """Return the real path of a folder that can become a library; changes nothing.

    Raises
    ------
    RootNotAllowedError
        If it lies outside the allowed roots. Said before anything is said about what is there.
    RootNotFoundError, LibraryExistsError
        See `register_library`.
    """
    location = Path(os.path.realpath(root.expanduser()))
    if not trusted:
        _check_allowed(location)
    # Not the method of Path: that one raises an error for names that are too long.
    if not os.path.isdir(location) or not os.access(location, os.R_OK | os.X_OK):  # noqa: PTH112
        raise RootNotFoundError(f"{display(location)} is not a folder that can be read.")
    holder = find_library(location)
    if holder is not None:
        raise _exists(location, holder.library)
    return location


@transaction.atomic
def _create(location: Path, name: str, options: LibraryOptions, manager: User | None) -> Library:
    root = path_to_text(location)
    library = Library.objects.create(
        name=name,
        root=root,
        root_key=path_key(root),
        scan_due_at=timezone.now() if options.scan_every else None,
        **asdict(options),
    )
    for inner in list_libraries_below(location):
        _take_over(library, inner, location)
    record_act(act=Act.LIBRARY_REGISTERED, on=library, details={"root": root})
    if manager is not None and not manager.is_superuser:
        grant_role(library=library, holder=manager, role=Role.MANAGER)
    return library


def _check_allowed(location: Path) -> None:
    allowed = [Path(os.path.realpath(root)) for root in settings.EARMARK_LIBRARY_ROOTS]
    if any(location.is_relative_to(root) for root in allowed):
        return
    places = ", ".join(display(root) for root in allowed)
    raise RootNotAllowedError(
        f"{display(location)} lies outside the folders where libraries may be "
        f"({places or 'none is set'}).",
        hint="Whoever runs this installation can add folders with EARMARK_LIBRARY_ROOTS.",
    )


def _exists(location: Path, library: Library) -> LibraryExistsError:
    return LibraryExistsError(
        f"{display(location)} belongs to the library {library.name!r} already.",
        hint="Scan that library instead.",
        context={"library": library.pk},
    )


def _take_over(outer: Library, inner: Library, outer_location: Path) -> None:
    """Move the files of a library inside another into it, and forget the inner one."""
    prefix = to_relative(outer_location, inner.location)
    # Whoever scans the inner library notices that its scan is gone, and stops.
    inner.scans.open().delete()
    while batch := list(AudioFile.objects.filter(library=inner).only("path")[:_BATCH]):
        for file in batch:
            file.library = outer
            file.path = f"{prefix}/{file.path}"
            file.path_key = path_key(file.path)
            file.folder_key = folder_key(file.path)
        AudioFile.objects.bulk_update(batch, ["library", "path", "path_key", "folder_key"])
    # Who was let into the small library was not let into the large one.
    inner.roles.all().delete()
    repoint_rows(inner, outer, prefix=prefix)
    log.info("library_taken_over", library=outer.pk, inner=inner.pk)
    inner.delete()
