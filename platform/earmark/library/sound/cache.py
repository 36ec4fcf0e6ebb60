"""What was worked out of sounds and may be worked out again: files in the data folder, bounded.

A file begins with the digest of the rest: what a power cut or a bad volume has left of it is not
taken for the whole.
"""

from __future__ import annotations

import os
import secrets
import threading
from hashlib import blake2b
from pathlib import Path

import structlog
from django.conf import settings

_DIGEST_BYTES = 16
_CHECK_EVERY = 1 / 16
"""Of the bound: so much may be written before somebody looks how much there is."""


log = structlog.get_logger(__name__)


class SoundCache:
    """Files by key; when there are too many bytes, those go that were not used for longest.

    Parameters
    ----------
    folder : Path
        Of this cache alone.
    max_bytes : int
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._written = max_bytes  # look at the first chance: the bound may have been lowered
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is kept under a key, or None; what is damaged goes."""
        path = self._path(key)
        try:
            kept = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        digest, data = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
        if digest != _digest(data):
            log.warning("kept_drawing_damaged", path=str(path), bytes=len(kept))
            path.unlink(missing_ok=True)
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep something: whole or not at all."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        try:
            draft.write_bytes(_digest(data) + data)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        with self._lock:
            self._written += _DIGEST_BYTES + len(data)
            if self._written >= self._max_bytes * _CHECK_EVERY:
                self._written = 0
                self._shrink()

    def _path(self, key: str) -> Path:
        name = blake2b(key.encode("utf-8"), digest_size=16).hexdigest()
        return self._folder / name[:2] / name

    def _shrink(self) -> None:
        """Delete what was not used for longest, and drafts that a killed process has left."""
        found = sorted(self._list(), key=lambda one: one[0])
        excess = sum(size for _, size, _ in found) - self._max_bytes
        for _, size, path in found:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    def _list(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._folder.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, status.st_size, path))
        return found


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()


_caches: dict[tuple[Path, int], SoundCache] = {}
_lock = threading.Lock()


def sound_cache() -> SoundCache:
    """Return the cache of this installation."""
    place: Path = settings.DATA_DIR / "cache" / "sound"
    bound = settings.EARMARK_CACHE_MB << 20
    with _lock:
        return _caches.setdefault((place, bound), SoundCache(place, bound))
