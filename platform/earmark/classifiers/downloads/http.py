"""One file over HTTP, going on where an earlier try stopped.

This is urllib of the standard library: one GET with a Range header needs no more, it follows
redirects, honours proxy settings, verifies certificates, and costs no dependency.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from earmark.classifiers.errors import (
    ChecksumMismatchError,
    DownloadInterruptedError,
    DownloadRefusedError,
    ModelsFolderError,
    OfflineError,
)

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes that are here and how many there will be, if that is known."""

BLOCK = 1 << 16
MOST_BYTES = 1 << 30
"""No weights file is larger; a server that never stops is not let fill the disk."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_WORTH_RETRYING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """How long to go on with a bad connection.

    Attributes
    ----------
    attempts : int
        Connections that may break before it is given up.
    pause_s : float
        Wait after the first; each further one is twice as long.
    timeout_s : float
        A connection that is silent for so long counts as broken.
    """

    attempts: int = 5
    pause_s: float = 1.0
    timeout_s: float = 30.0


class _BrokenError(Exception):
    """This connection is over; another one may do better."""


class _SafeRedirects(HTTPRedirectHandler):
    """Follows redirects, but not from an encrypted address to one that is not."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise DownloadRefusedError(
                f"{req.full_url} leads to {newurl}, which is not encrypted; it was not followed."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def fetch(
    url: str,
    part: Path,
    *,
    size: int | None,
    checked: bool,
    on_progress: OnProgress,
    patience: Patience | None = None,
) -> None:
    """Bring the content of `url` into the file `part`, keeping what is in it already.

    Parameters
    ----------
    url : str
        ``https`` or ``http``.
    part : Path
        File to complete. Beside it a file ``.etag`` is kept until it is complete.
    size : int or None
        What the file must have, in bytes, if that is known.
    checked : bool
        Whether a checksum will decide afterwards. If not, a part is continued only where the
        server confirms that it is still the same file.
    on_progress : callable
    patience : Patience, optional

    Raises
    ------
    OfflineError
        If there was no answer at all. A part that was there is kept.
    DownloadRefusedError
        If the server has no such file.
    DownloadInterruptedError
        If the connection broke too often. What has come is kept.
    ChecksumMismatchError
        If the file has another size. Nothing is kept.
    ModelsFolderError
        If `part` cannot be written.
    """
    patience = patience or Patience()
    reached = False
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause_s * 2 ** (attempt - 1))
        try:
            with _open(url, part, checked, patience.timeout_s, reached) as response:
                reached = True
                total = _prepare(response, part, size)
                if total is None and not (checked or response.chunked):
                    raise DownloadRefusedError(
                        f"{url} does not tell how long it is, so nothing would show a lost end."
                    )
                _receive(response, part, total, on_progress)
        except _BrokenError as error:
            last = error
            continue
        _etag(part).unlink(missing_ok=True)
        return
    raise DownloadInterruptedError(
        f"The connection to {urlsplit(url).hostname} broke {patience.attempts} times ({last}).",
        hint=f"The same command goes on from the {_length(part):,} bytes that are here.",
    )


@contextlib.contextmanager
def _open(
    url: str, part: Path, checked: bool, timeout_s: float, reached: bool
) -> Iterator[HTTPResponse]:
    """Ask for the rest of the file, or for all of it."""
    headers = {"User-Agent": "earmark", "Accept-Encoding": "identity"}
    have = _length(part)
    validator = _etag(part).read_text("ascii").strip() if _etag(part).exists() else ""
    if have and (validator or checked):
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    request = Request(url, headers=headers)  # noqa: S310 - schemes are checked by the caller
    opener = build_opener(_SafeRedirects)
    try:
        response = opener.open(request, timeout=timeout_s)
    except HTTPError as error:
        with error:
            raise _explain(error, url, part) from error
    except URLError as error:
        if reached:
            raise _BrokenError(str(error.reason)) from error
        raise OfflineError(
            f"{urlsplit(url).netloc} cannot be reached ({error.reason}).",
            hint="Try again with a connection to it, or bring the file yourself: see docs/models.",
        ) from error
    except (HTTPException, ConnectionError, TimeoutError) as error:
        raise _BrokenError(str(error) or type(error).__name__) from error
    with response:
        yield response


def _explain(error: HTTPError, url: str, part: Path) -> Exception:
    if error.code == 416:  # what is here is not the beginning of what is there
        _forget(part)
        return _BrokenError("the file there is shorter than the part here")
    if error.code in _WORTH_RETRYING:
        return _BrokenError(f"status {error.code}")
    return DownloadRefusedError(
        f"{url} was answered with status {error.code} {error.reason}.",
        hint="The file may have moved; a newer Earmark may know where.",
        context={"status": error.code},
    )


def _prepare(response: HTTPResponse, part: Path, size: int | None) -> int | None:
    """Make `part` fit what will come; return the length of the whole file, if it is told."""
    length = response.headers.get("Content-Length")
    total = int(length) if length else None
    if response.status == 206:
        told = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != _length(part):
            _forget(part)
            raise _BrokenError("the server sent another range than was asked for")
        total = int(told[3])
    else:
        _forget(part)
    if size is not None and total not in {None, size}:
        _forget(part)
        raise ChecksumMismatchError(
            f"What {response.url} holds has {total:,} bytes, not the published {size:,}."
        )
    _require_room(part, (total or 0) - _length(part))
    _remember(response, part)
    return total or size


def _remember(response: HTTPResponse, part: Path) -> None:
    etag = response.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    with _writing(part):
        _etag(part).write_text(validator, "ascii")


def _receive(
    response: HTTPResponse, part: Path, total: int | None, on_progress: OnProgress
) -> None:
    have = _length(part)
    with _writing(part), part.open("ab") as file:
        while True:
            try:
                block = response.read(BLOCK)
            except (HTTPException, OSError) as error:
                raise _BrokenError(str(error) or type(error).__name__) from error
            if not block:
                break
            file.write(block)
            have += len(block)
            on_progress(have, total)
            if have > (total or MOST_BYTES):
                file.truncate(0)
                raise ChecksumMismatchError(f"{response.url} sends more than it should.")
    if total is not None and have < total:
        raise _BrokenError(f"it ended after {have:,} of {total:,} bytes")


@contextlib.contextmanager
def _writing(part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelsFolderError(f"{part} cannot be written ({error.strerror}).") from error


def _require_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise ModelsFolderError(
            f"{part.parent} has room for {free:,} bytes, but {needed:,} are needed."
        )


def _etag(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _etag(part).unlink(missing_ok=True)
