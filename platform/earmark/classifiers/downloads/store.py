"""The models folder: what is in it, what may come into it, and how it gets there whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from earmark.classifiers.downloads.catalogue import Weights
from earmark.classifiers.downloads.http import OnProgress, Patience, fetch
from earmark.classifiers.errors import (
    ChecksumMismatchError,
    ChecksumUnknownError,
    DownloadError,
    ModelsFolderError,
)

State = Literal["missing", "partial", "ok", "differs", "unchecked"]
"""``unchecked``: the file is there, but nobody has said what its checksum has to be."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Trust:
    """What may be believed of a file whose checksum is not known.

    Attributes
    ----------
    accepted : str
        SHA-256 a person has from elsewhere; empty if none.
    first_use : bool
        Whether what comes the first time is believed and remembered.
    """

    accepted: str = ""
    first_use: bool = False


@dataclass(frozen=True)
class Pulled:
    """What `ModelsFolder.pull` has done.

    Attributes
    ----------
    path : Path
    sha256 : str
    fetched : bool
        False if the file was there already.
    trusted : bool
        Whether the checksum is now believed because this file has it, and was written down.
    """

    path: Path
    sha256: str
    fetched: bool
    trusted: bool


class ModelsFolder:
    """Weights in a folder, each under the name its publisher gave it.

    Beside a file whose checksum is not in the catalogue lies ``NAME.sha256``, in the form that
    ``sha256sum --check`` reads: what was accepted or seen first. It outlives the file, so that
    one fetched again has to be the same.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, weights: Weights) -> Path:
        """Return where the file is, or would be."""
        return self.folder / weights.file_name

    def expected(self, weights: Weights) -> str | None:
        """Return the checksum the file must have: the catalogue's, or the one written down."""
        if weights.sha256 is not None:
            return weights.sha256
        record = self._record(weights)
        if not record.is_file():
            return None
        written = record.read_text("ascii", "replace").partition(" ")[0].strip()
        if not _SHA256.fullmatch(written):
            raise ModelsFolderError(
                f"{record} does not hold a SHA-256.", hint="Remove that file and pull again."
            )
        return written

    def check(self, weights: Weights) -> State:
        """Compare the file with what it must be, reading all of it."""
        path = self.path(weights)
        if not path.is_file():
            return "partial" if self._part(weights).exists() else "missing"
        expected = self.expected(weights)
        if expected is None:
            return "unchecked"
        return "ok" if _digest(path) == expected else "differs"

    def pull(
        self,
        weights: Weights,
        *,
        on_progress: OnProgress,
        trust: Trust | None = None,
        mirror: str = "",
        patience: Patience | None = None,
    ) -> Pulled:
        """Make sure that the file is here and is what it must be.

        It appears under its name complete and checked, or not at all. Processes that want it at
        the same time wait for each other.

        Parameters
        ----------
        weights : Weights
        on_progress : callable
        trust : Trust, optional
        mirror : str
            Address of a folder to fetch the file from instead of from its publisher.
        patience : Patience, optional

        Raises
        ------
        ChecksumUnknownError
            If nothing says what the file must be; nothing was asked of the network then.
        ChecksumMismatchError
            If what came, or what was here, is another file.
        DownloadError
            See `earmark.classifiers.downloads.http.fetch`.
        """
        trust = trust or Trust()
        url = _address(weights, mirror)
        with self._locked():
            expected = self._decide(weights, trust)
            path, part = self.path(weights), self._part(weights)
            fetched = not path.is_file()
            if fetched:
                fetch(
                    url,
                    part,
                    size=weights.size,
                    checked=expected is not None,
                    on_progress=on_progress,
                    patience=patience,
                )
            digest = _digest(part if fetched else path)
            if expected is not None and digest != expected:
                raise self._mismatch(weights, url if fetched else str(path), digest, expected)
            if weights.sha256 is None:
                self._write_down(weights, digest)
            if fetched:
                self._place(part, path)
        return Pulled(path, digest, fetched, trusted=expected is None)

    def remove(self, weights: Weights) -> int:
        """Remove the file and what there is of it; return how many bytes that gave back."""
        freed = 0
        with self._locked():
            part = self._part(weights)
            for path in (self.path(weights), part, part.with_name(f"{part.name}.etag")):
                if path.is_file():
                    freed += path.stat().st_size
                    path.unlink()
        return freed

    def _decide(self, weights: Weights, trust: Trust) -> str | None:
        """Return the checksum to insist on, or None where the first is believed."""
        accepted = trust.accepted.strip().lower()
        if accepted and not _SHA256.fullmatch(accepted):
            raise DownloadError(f"{trust.accepted!r} is not a SHA-256: 64 hexadecimal digits.")
        if accepted and weights.sha256 not in {None, accepted}:
            raise ChecksumMismatchError(
                f"The checksum of {weights.name} is known: {weights.sha256}, not {accepted}."
            )
        expected = accepted or self.expected(weights)
        if expected is None and not trust.first_use:
            raise ChecksumUnknownError(
                f"The checksum of {weights.file_name} is not known, so nothing could tell whether "
                "the right file came.",
                hint="Give it with --accept-checksum SHA256 if you have it from somebody you "
                "trust, or believe what comes the first time with --trust-on-first-use.",
            )
        return expected

    def _mismatch(
        self, weights: Weights, where: str, digest: str, expected: str
    ) -> ChecksumMismatchError:
        if self.path(weights).is_file():
            hint = f"`earmark models remove {weights.name}` removes it; then pull it again."
        else:
            self._part(weights).unlink(missing_ok=True)
            hint = "Nothing was kept. Try again; if it stays so, the file there was changed."
        return ChecksumMismatchError(
            f"{where} is not the published file: its SHA-256 is {digest}, not {expected}.",
            hint=hint,
        )

    def _write_down(self, weights: Weights, digest: str) -> None:
        record = self._record(weights)
        draft = record.with_name(f"{record.name}.new")
        draft.write_text(f"{digest}  {weights.file_name}\n", "ascii")
        draft.replace(record)

    def _place(self, part: Path, path: Path) -> None:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)  # the name, too, is on the disk
        finally:
            os.close(handle)

    def _part(self, weights: Weights) -> Path:
        return self.folder / f"{weights.file_name}.part"

    def _record(self, weights: Weights) -> Path:
        return self.folder / f"{weights.file_name}.sha256"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise ModelsFolderError(f"{self.folder} cannot be used ({error.strerror}).") from error


def _address(weights: Weights, mirror: str) -> str:
    if not mirror:
        return weights.url
    if urlsplit(mirror).scheme not in {"http", "https"}:
        raise DownloadError(f"{mirror!r} is not an address that starts with http:// or https://.")
    return f"{mirror.rstrip('/')}/{quote(weights.file_name)}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
