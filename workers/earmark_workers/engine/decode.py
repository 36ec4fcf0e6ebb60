"""Decode threads: from a path to windows, through a guarded child process.

The child dies instead of us when a decoder crashes, hangs or eats memory; see
`earmark_files.guard`. Only this module of the engine knows how files are read.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

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

GROUP_FILES = 16
GROUP_BYTES = 64 << 20
"""Files identified together: few enough that their bytes are still cached when decoded."""

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
        files: SimpleQueue[ClassifyFile],
        put: Callable[[tuple[int, ClipWindow] | ClipEnd | Dropped | Failed], None],
        send: Callable[[FromWorker], None],
        ask: Callable[[Sequence[Identified]], list[bool]],
    ) -> None:
        self._setup = setup
        self._manifest = manifest
        self._files = files
        self._put = put
        self._send = send
        self._ask = ask

    def run(self) -> None:
        """Identify and decode group after group; ends with the process."""
        with GuardedDecoder(
            timeout_s=self._setup.decode_timeout_s, memory_mb=self._setup.decode_memory_mb
        ) as guard:
            ahead: ClassifyFile | None = None
            while True:
                group, ahead = self._take_group(ahead or self._files.get())
                identified = [pair for file in group if (pair := self._identify(guard, file))]
                verdicts = self._ask([found for _, found in identified])
                for (file, found), proceed in zip(identified, verdicts, strict=True):
                    if proceed:
                        self._decode(guard, file, found)
                    else:
                        self._put(Dropped(file.task))

    def _take_group(self, first: ClassifyFile) -> tuple[list[ClassifyFile], ClassifyFile | None]:
        """Return files to identify together, and one that was taken but is too much."""
        group, size = [first], first.size
        while len(group) < GROUP_FILES:
            try:
                file = self._files.get_nowait()
            except Empty:
                break
            size += file.size
            if size > GROUP_BYTES:
                return group, file
            group.append(file)
        return group, None

    def _identify(
        self, guard: GuardedDecoder, file: ClassifyFile
    ) -> tuple[ClassifyFile, Identified] | None:
        with self._failing(file.task):
            state = _stat(file.path)
            identity = guard.identify(file.path)
            told = (identity.hash, identity.audio_bytes, state.st_size, state.st_mtime_ns)
            return file, Identified(file.task, *told)
        return None

    def _decode(self, guard: GuardedDecoder, file: ClassifyFile, found: Identified) -> None:
        with self._failing(file.task):
            self._put(self._stream(guard, file, found))

    @contextmanager
    def _failing(self, task: int) -> Iterator[None]:
        """Turn what goes wrong with one file into its failure; the thread lives on for others."""
        try:
            yield
        except AudioFileError as error:
            self._put(Failed(task, error.code, error.message, error.retryable, file_fault=True))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this file only
            traceback.print_exc()  # into the worker's error log
            reason = f"An unexpected fault of Earmark while reading it ({error!r}); please report."
            self._put(Failed(task, "internal_error", reason, retryable=True, file_fault=True))

    def _stream(self, guard: GuardedDecoder, file: ClassifyFile, found: Identified) -> ClipEnd:
        rate = self._manifest.sample_rate
        with guard.stream(file.path, sample_rate=rate) as blocks:
            samples = self._cut(file.task, blocks)
            info = blocks.info
        after = _stat(file.path)
        if (found.size, found.mtime_ns) != (after.st_size, after.st_mtime_ns):
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
