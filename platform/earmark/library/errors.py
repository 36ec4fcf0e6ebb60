"""What can go wrong with libraries."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class LibraryError(EarmarkError):
    """Base of this app's errors."""

    code = "library_error"


class RootNotFoundError(LibraryError):
    """The folder does not exist or cannot be looked into."""

    code = "root_not_found"
    hint = "Check the spelling, and that the volume is mounted and readable."


class RootNotAllowedError(LibraryError):
    """The folder lies outside the places where libraries may be."""

    code = "root_not_allowed"


class LibraryExistsError(LibraryError):
    """The folder is a library already, or lies in one."""

    code = "library_exists"
    status = 409


class LibraryOfflineError(LibraryError):
    """The library's root is not there now; nothing was changed."""

    code = "library_offline"
    status = 409
    hint = "Mount the volume and scan again; nothing was changed."


class LibraryEmptyError(LibraryError):
    """The root holds no sounds although it did before; nothing was changed."""

    code = "library_empty"
    hint = (
        "An unmounted volume looks like this, so nothing was changed. If the sounds are really "
        "gone, remove the library."
    )


class LibraryBusyError(LibraryError):
    """Somebody else is changing the library."""

    code = "library_busy"
    status = 409
    hint = "Wait until that is done and try again."


class ScanLostError(LibraryError):
    """Another worker has taken the scan over, or it was called off."""

    code = "scan_lost"
    hint = "Nothing is wrong with the library; the other worker goes on."


class LibraryUnknownError(LibraryError):
    """No library goes by that name or folder."""

    code = "library_unknown"
    status = 404


class InvalidLibraryError(LibraryError):
    """A pattern, an interval or a name cannot be taken."""

    code = "invalid_library"
