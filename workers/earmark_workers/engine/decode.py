"""Decode threads: from a path to windows, through a guarded child process.

The child dies instead of us when a decoder crashes, hangs or eats memory; see
`earmark_files.guard`. Only this module of the engine knows how files are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from earmark_files.decoding import AudioInfo
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import ClipWindow, Manifest, WindowCutter

from earmark_workers.engine.messages import (
    Advanced,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    Setup,
)

SILENCE_PEAK = 10 ** (-70 / 20)
"""A file that never gets louder than this (-70 dBFS, 10 steps of 16 bit) holds no sound to name."""

ADVANCE_S = 60.0
"""How often, in seconds of sound, a long file reports that it is still being worked on."""


@dataclass(frozen=True)
class ClipEnd:
    """All windows of a file have been handed over."""

    task: int
    info: AudioInfo
    duration: float


@dataclass(frozen=True)
class Dropped:
    """The parent does not need this file's scores."""

    task: int


class SilentFileError(AudioFileError):
    """The file holds nothing that could be heard."""


class Decoder:
    """One decode thread and its guarded child."""

    def __init__(
        self,
        *,
        setup: Setup,
        manifest: Manifest,
        take: Callable[[], ClassifyFile],
        put: Callable[[tuple[int, ClipWindow] | ClipEnd | Dropped | Failed], None],
        send: Callable[[FromWorker], None],
        ask: Callable[[int, Callable[[], None]], bool],
    ) -> None:
        self._setup = setup
        self._manifest = manifest
        self._take = take
        self._put = put
        self._send = send
        self._ask = ask

    def run(self) -> None:
        """Decode file after file; ends with the process."""
        with GuardedDecoder(
            timeout_s=self._setup.decode_timeout_s, memory_mb=self._setup.decode_memory_mb
        ) as guard:
            while True:
                self._decode(guard, self._take())

    def _decode(self, guard: GuardedDecoder, file: ClassifyFile) -> None:
        try:
            self._put(self._stream(guard, file))
        except AudioFileError as error:
            self._put(Failed(file.task, error.code, error.message, error.retryable))

    def _stream(self, guard: GuardedDecoder, file: ClassifyFile) -> ClipEnd | Dropped:
        path = Path(file.path)
        raise NotImplementedError
