"""Decode threads: from a path to windows, through a guarded child process.

The child dies instead of us when a decoder crashes, hangs or eats memory; see
`earmark_files.guard`. Only this module of the engine knows how files are read.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt

from earmark_files.decoding import AudioInfo
from earmark_files.errors import AudioFileError, ReadErrorCode, from_os_error
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import ClipWindow, Manifest, Window, WindowCutter
from earmark_workers.engine.messages import (
    SILENT,
    Advanced,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    Setup,
    Verdict,
)
from earmark_workers.engine.parts import PartBlocks

SILENCE_PEAK = 10 ** (-70 / 20)
"""A file that never gets louder than this (-70 dBFS, 10 steps of 16 bit) holds no sound to name.

The file as it is, before resampling: which classifiers ask makes no difference.
"""

GROUP_FILES = 16
GROUP_BYTES = 32 << 20
"""Files identified together: few enough that their bytes are still cached when decoded, which is
when the next group has been identified, too."""

ADVANCE_S = 60.0
"""How often, in seconds of sound, a long file reports that it is still being worked on."""


@dataclass(frozen=True, eq=False)
class CutWindow:
    """One window of a file, for every classifier that wants just this one."""

    task: int
    classifiers: tuple[str, ...]
    window: ClipWindow


@dataclass(frozen=True)
class ClipEnd:
    """All windows of a file have been handed over."""

    task: int
    classifiers: tuple[str, ...]
    info: AudioInfo
    duration: float


@dataclass(frozen=True)
class Dropped:
    """The parent does not need this file's scores."""

    task: int


Item = CutWindow | ClipEnd | Dropped | Failed

Asked = list[tuple[ClassifyFile, Identified, SimpleQueue[Verdict]]]
"""Identified files, and where it will be said which classifiers shall hear each."""


@dataclass(frozen=True)
class Cut:
    """Classifiers that want the same windows: cut once, each classifier takes them all."""

    sample_rate: int
    window: Window
    classifiers: tuple[str, ...]


def plan_cuts(manifests: Mapping[str, Manifest], classifiers: Sequence[str]) -> list[Cut]:
    """Find out which windows some classifiers want, those they share only once.

    Parameters
    ----------
    manifests : mapping
        By identity of the classifier; at least those of `classifiers`.
    classifiers : sequence of str
    """
    wanted: dict[tuple[int, Window], list[str]] = {}
    for classifier in classifiers:
        manifest = manifests[classifier]
        wanted.setdefault((manifest.sample_rate, manifest.window), []).append(classifier)
    return [Cut(rate, window, tuple(names)) for (rate, window), names in wanted.items()]


class Decoder:
    """One decode thread and its guarded child."""

    def __init__(
        self,
        *,
        setup: Setup,
        manifests: Mapping[str, Manifest],
        files: SimpleQueue[ClassifyFile],
        put: Callable[[Item], None],
        send: Callable[[FromWorker], None],
        ask: Callable[[Sequence[Identified]], list[SimpleQueue[Verdict]]],
    ) -> None:
        self._setup = setup
        self._manifests = manifests
        self._files = files
        self._put = put
        self._send = send
        self._ask = ask

    def run(self) -> None:
        """Identify and decode group after group; ends with the process.

        About the next group is asked before one is decoded: nobody waits for the database then.
        """
        with GuardedDecoder(
            timeout_s=self._setup.decode_timeout_s, memory_mb=self._setup.decode_memory_mb
        ) as guard:
            asked: Asked = []
            ahead: ClassifyFile | None = None
            while True:
                group, ahead = self._take_group(ahead, wait=not asked)
                asked, due = self._ask_about(guard, group), asked
                for file, found, answer in due:
                    classifiers = answer.get().classifiers
                    if classifiers:
                        self._decode(guard, file, found, classifiers)
                    else:
                        self._put(Dropped(file.task))

    def _ask_about(self, guard: GuardedDecoder, group: Sequence[ClassifyFile]) -> Asked:
        """Identify files and ask about those that could be read; the answers come later."""
        identified = [pair for file in group if (pair := self._identify(guard, file))]
        if not identified:
            return []
        answers = self._ask([found for _, found in identified])
        return [(*pair, answer) for pair, answer in zip(identified, answers, strict=True)]

    def _take_group(
        self, first: ClassifyFile | None, *, wait: bool
    ) -> tuple[list[ClassifyFile], ClassifyFile | None]:
        """Return files to identify together, and one that was taken but is too much.

        There is at least one, where we are to `wait` for it.
        """
        group: list[ClassifyFile] = []
        size = 0
        while len(group) < GROUP_FILES:
            try:
                file = first or self._files.get(block=wait and not group)
            except Empty:
                break
            first, size = None, size + file.size
            if group and size > GROUP_BYTES:
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
            return file, Identified(file.task, file.classifiers, *told)
        return None

    def _decode(
        self,
        guard: GuardedDecoder,
        file: ClassifyFile,
        found: Identified,
        classifiers: tuple[str, ...],
    ) -> None:
        with self._failing(file.task):
            self._put(self._stream(guard, file, found, classifiers))

    @contextmanager
    def _failing(self, task: int) -> Iterator[None]:
        """Turn what goes wrong with one file into its failure; the thread lives on for others."""
        try:
            yield
        except AudioFileError as error:
            told = (error.code, error.message, error.retryable)
            self._put(Failed(task, "", *told, file_fault=True))
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this file only
            traceback.print_exc()  # into the worker's error log
            reason = f"An unexpected fault of Earmark while reading it ({error!r}); please report."
            self._put(Failed(task, "", "internal_error", reason, retryable=True, file_fault=True))

    def _stream(
        self,
        guard: GuardedDecoder,
        file: ClassifyFile,
        found: Identified,
        classifiers: tuple[str, ...],
    ) -> ClipEnd:
        """Hand over all windows of a file; whatever classifiers want of it, it is decoded once."""
        cuts = plan_cuts(self._manifests, classifiers)
        rates = list(dict.fromkeys(cut.sample_rate for cut in cuts))
        with guard.stream_rates(file.path, sample_rates=rates) as blocks:
            part = PartBlocks(blocks, rates, file.part)
            self._cut(file.task, cuts, part)
            info = blocks.info
        if (blocks.peak if file.part.is_whole else part.peak) < SILENCE_PEAK:
            raise AudioFileError(
                "The file is silent (never louder than -70 dBFS), so there is nothing to name.",
                code=SILENT,
            )
        after = _stat(file.path)
        if (found.size, found.mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise AudioFileError(
                "The file changed while it was being read; it is read again on the next run.",
                code=ReadErrorCode.CHANGED_DURING_RUN,
            )
        frames = info.frames or blocks.frames  # which is 0 if decoding stopped before the end
        duration = frames / info.sample_rate if frames else info.duration or 0.0
        return ClipEnd(file.task, classifiers, info, duration)

    def _cut(
        self, task: int, cuts: Sequence[Cut], blocks: Iterable[tuple[int, npt.NDArray[np.float32]]]
    ) -> None:
        """Hand over the windows, and tell now and then how far it is, by the first rate."""
        cutters = [(cut, WindowCutter(cut.window, cut.sample_rate)) for cut in cuts]
        first = cuts[0].sample_rate
        samples, told = 0, 0
        for rate, block in blocks:
            for cut, cutter in cutters:
                if cut.sample_rate == rate:
                    self._hand_over(task, cut, cutter.push(block))
            samples += len(block) if rate == first else 0
            if samples - told >= ADVANCE_S * first:
                self._send(Advanced(task, (samples - told) / first))
                told = samples
        for cut, cutter in cutters:
            self._hand_over(task, cut, cutter.finish())
        self._send(Advanced(task, (samples - told) / first))

    def _hand_over(self, task: int, cut: Cut, windows: Iterable[ClipWindow]) -> None:
        for window in windows:
            self._put(CutWindow(task, cut.classifiers, window))


def _stat(path: str) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - no Path is needed for one call
    except OSError as error:
        raise from_os_error(error, path) from error
