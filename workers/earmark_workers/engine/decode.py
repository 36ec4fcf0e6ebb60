"""Decode threads: from a path to windows, through a guarded child process.

The child dies instead of us when a decoder crashes, hangs or eats memory; see
`earmark_files.guard`. Only this module of the engine knows how files are read.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_files.decoding import AudioInfo
from earmark_files.errors import AudioFileError, ReadErrorCode, from_os_error
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import ClipWindow, Manifest, WindowCutter
from earmark_workers.engine.messages import (
    SILENT,
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
        except Exception as error:  # noqa: BLE001 - the thread must live on for other files
            traceback.print_exc()  # into the worker's error log
            reason = f"An unexpected fault of Earmark while reading it ({error!r}); please report."
            self._put(Failed(file.task, "internal_error", reason, retryable=True))

    def _stream(self, guard: GuardedDecoder, file: ClassifyFile) -> ClipEnd | Dropped:
        before = _stat(file.path)
        identity = guard.identify(file.path)
        told = Identified(
            file.task, identity.hash, identity.audio_bytes, before.st_size, before.st_mtime_ns
        )
        if not self._ask(file.task, lambda: self._send(told)):
            return Dropped(file.task)
        rate = self._manifest.sample_rate
        with guard.stream(file.path, sample_rate=rate) as blocks:
            samples = self._cut(file.task, blocks)
            info = blocks.info
        after = _stat(file.path)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise AudioFileError(
                "The file changed while it was being read; it is read again on the next run.",
                code=ReadErrorCode.CHANGED_DURING_RUN,
            )
        exact = info.frames / info.sample_rate if info.frames else samples / rate
        return ClipEnd(file.task, info, exact)

    def _cut(self, task: int, blocks: Iterable[npt.NDArray[np.float32]]) -> int:
        """Hand over all windows of a file and return its length in samples."""
        rate = self._manifest.sample_rate
        cutter = WindowCutter(self._manifest.window, rate)
        samples, told, peak = 0, 0, 0.0
        for block in blocks:
            peak = max(peak, float(block.max()), -float(block.min()))
            for window in cutter.push(block):
                self._put((task, window))
            samples += len(block)
            if samples - told >= ADVANCE_S * rate:
                self._send(Advanced(task, (samples - told) / rate))
                told = samples
        for window in cutter.finish():
            self._put((task, window))
        self._send(Advanced(task, (samples - told) / rate))
        if peak < SILENCE_PEAK:
            raise AudioFileError(
                "The file is silent (never louder than -70 dBFS), so there is nothing to name.",
                code=SILENT,
            )
        return samples


def _stat(path: str) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - no Path is needed for one call
    except OSError as error:
        raise from_os_error(error, path) from error
