"""Giving a file another name without ever taking the place of an existing one."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from pathlib import Path

_NO_REPLACE = 1  # RENAME_NOREPLACE of renameat2(2)
_AT_CWD = -100
# What a kernel, a C library or a file system without the call answers.
_NOT_OFFERED = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}


def rename_new(old: Path, new: Path) -> None:
    """Rename a file; a name that is taken is refused, even one taken at this very moment.

    A name that differs in case only is no other name on file systems that do not tell cases
    apart, and is allowed. Where neither the system's own call nor links are offered (some
    network and memory-card file systems), the check comes first and the rename after it.

    Parameters
    ----------
    old, new : Path
        On the same file system. Symbolic links are renamed, not followed.

    Raises
    ------
    FileExistsError
        If `new` exists; nothing was changed.
    OSError
        For every other reason; nothing was changed.
    """
    if _is_same_entry(old, new):
        old.rename(new)
    elif not _rename_by_kernel(old, new) and not _rename_by_link(old, new):
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new))
        old.rename(new)


def finish_rename(old: Path, new: Path) -> bool:
    """Tell whether a rename that may have been cut off gave the file its new name.

    Where it was cut off between the two steps of `rename_new`, and the file has both names, the
    old one is taken away.

    Raises
    ------
    OSError
        If the old name cannot be taken away; the file keeps both.
    """
    if not os.path.lexists(new):
        return False
    if not os.path.lexists(old):
        return True
    if not os.path.samestat(old.lstat(), new.lstat()):
        return False
    if _is_same_entry(old, new):
        return new.name in {entry.name for entry in new.parent.iterdir()}
    old.unlink()
    return True


def _is_same_entry(old: Path, new: Path) -> bool:
    """Whether two spellings, different in case or composition only, are one name on this disk."""
    if old.parent != new.parent or not os.path.lexists(new):
        return False
    if not os.path.samestat(old.lstat(), new.lstat()):
        return False
    names = {entry.name for entry in old.parent.iterdir()}
    return old.name not in names or new.name not in names


def _rename_by_kernel(old: Path, new: Path) -> bool:
    call = _renameat2()
    if call is None:
        return False
    if call(_AT_CWD, os.fsencode(old), _AT_CWD, os.fsencode(new), _NO_REPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_OFFERED:
        return False
    raise OSError(code, os.strerror(code), str(old), None, str(new))


def _rename_by_link(old: Path, new: Path) -> bool:
    """Give the file its second name, then take the first: a crash between leaves both, no less."""
    try:
        os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    try:
        old.unlink()
    except OSError:
        new.unlink()
        raise
    return True


@cache
def _renameat2() -> ctypes._NamedFuncPointer | None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is not None:
        call.argtypes = [
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_uint,
        ]
        call.restype = ctypes.c_int
    return call
