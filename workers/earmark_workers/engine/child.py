"""A worker process: decodes in guarded children, predicts in batches, knows no database.

Started by `pool` as ``python -m earmark_workers.engine.child FD``. Three kinds of thread share it:
the main thread owns the classifiers, a reader listens to the parent, and decode threads turn
paths into windows. The parent going away, however that happens, ends the process at once.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import numpy as np

from earmark_plugin_api import ClassifierError
from earmark_workers.engine.batching import Batcher, ClipError
from earmark_workers.engine.checked import ClassifierUnusableError
from earmark_workers.engine.clip import ClipScores
from earmark_workers.engine.decode import ClipEnd, CutWindow, Decoder, Dropped, Item
from earmark_workers.engine.hosting import Host
from earmark_workers.engine.messages import (
    Classified,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    IdentifiedFiles,
    LoadFailed,
    Ready,
    Setup,
    StartFailed,
    Verdict,
)
from earmark_workers.engine.watched import tell_where

STARVING_S = 1.0
"""A batch that is not full is scored after this long without a new window."""

QUEUED_BATCHES = 2
"""Windows wait for their classifiers up to so many batches; then decoding waits."""


class Parent:
    """The connection to the process that started this one; safe from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: FromWorker) -> None:
        """Tell the parent something; without a parent there is no reason to go on."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(0)

    def receive(self) -> Setup | ClassifyFile | Verdict:
        """Wait for the next message; ends the process when the parent is gone."""
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            # Not sys.exit: another thread may sit in a decoder or in torch for minutes.
            os._exit(0)
        if not isinstance(message, Setup | ClassifyFile | Verdict):
            raise TypeError(f"unexpected message {type(message).__name__}")
        return message


@dataclass
class _Ended:
    """A file whose windows have all come, and the classifiers that have not answered yet."""

    end: ClipEnd
    waiting: set[str]


class Worker:
    """Ties reader, decoders and batchers together."""

    def __init__(self, parent: Parent, setup: Setup) -> None:
        self._parent = parent
        self._setup = setup
        self._files: queue.SimpleQueue[ClassifyFile] = queue.SimpleQueue()
        most = max(hosted.batch_windows for hosted in setup.classifiers)
        self._items: queue.Queue[Item] = queue.Queue(maxsize=QUEUED_BATCHES * most)
        self._verdicts: dict[int, queue.SimpleQueue[Verdict]] = {}
        self._lock = threading.Lock()
        self._unfinished = 0  # files received whose end, drop or failure was not yet seen
        self._ended: dict[int, _Ended] = {}
        self._host = Host(setup.classifiers, self._refuse, setup.batch_timeout_s)

    def run(self) -> None:
        """Work until the parent hangs up; without any usable classifier, end the process."""
        self._require_any()
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        for number in range(self._setup.decoders):
            decoder = Decoder(
                setup=self._setup,
                manifests=self._host.manifests,
                files=self._files,
                put=self._items.put,
                send=self._parent.send,
                ask=self._ask,
            )
            threading.Thread(target=decoder.run, name=f"decode-{number}", daemon=True).start()
        # Decoding starts while the weights are still being read.
        batchers = self._host.load()
        self._require_any()
        self._parent.send(Ready())
        self._predict(batchers)

    def _refuse(self, classifier: str, error: ClassifierUnusableError) -> None:
        self._parent.send(LoadFailed(classifier, error.code, str(error)))

    def _require_any(self) -> None:
        if self._host.empty:
            error = next(iter(self._host.unusable.values()))
            self._parent.send(StartFailed(error.code, str(error)))
            os._exit(1)

    def _listen(self) -> None:
        while True:
            message = self._parent.receive()
            if isinstance(message, Verdict):
                with self._lock:
                    box = self._verdicts.pop(message.task)
                box.put(message)
            elif isinstance(message, ClassifyFile):
                self._receive(message)

    def _receive(self, file: ClassifyFile) -> None:
        """Queue a file for the classifiers that can be used."""
        for classifier in file.classifiers:
            error = self._host.unusable.get(classifier)
            if error is not None:
                self._fail(file.task, classifier, error)
        usable = tuple(one for one in file.classifiers if one not in self._host.unusable)
        if usable:
            with self._lock:
                self._unfinished += 1
            self._files.put(replace(file, classifiers=usable))

    def _ask(self, found: Sequence[Identified]) -> list[queue.SimpleQueue[Verdict]]:
        boxes: list[queue.SimpleQueue[Verdict]] = [queue.SimpleQueue() for _ in found]
        with self._lock:
            for file, box in zip(found, boxes, strict=True):
                self._verdicts[file.task] = box
        self._parent.send(IdentifiedFiles(tuple(found)))
        return boxes

    def _predict(self, batchers: Mapping[str, Batcher]) -> None:
        while True:
            waiting = any(batcher.pending for batcher in batchers.values())
            item = self._next(waiting)
            if isinstance(item, CutWindow):
                for classifier in item.classifiers:
                    batchers[classifier].add(item.task, item.window)
            elif item is not None:
                self._close_file(batchers, item)
            for classifier, batcher in batchers.items():
                if batcher.full or item is None or not self._unfinished:
                    batcher.flush()
                for clip in batcher.take_finished():
                    self._report(classifier, clip)

    def _next(self, waiting: bool) -> Item | None:
        """Wait for an item; None if none came for a while and windows are waiting."""
        if not waiting:
            return self._items.get()
        try:
            return self._items.get(timeout=STARVING_S)
        except queue.Empty:
            return None

    def _close_file(
        self, batchers: Mapping[str, Batcher], item: ClipEnd | Dropped | Failed
    ) -> None:
        with self._lock:
            self._unfinished -= 1
        if isinstance(item, ClipEnd):
            self._ended[item.task] = _Ended(item, set(item.classifiers))
            for classifier in item.classifiers:
                batchers[classifier].end(item.task)
            return
        for batcher in batchers.values():
            batcher.drop(item.task)
        if isinstance(item, Failed):
            self._parent.send(item)

    def _report(self, classifier: str, clip: ClipScores | ClipError) -> None:
        ended = self._ended[clip.task]
        ended.waiting.discard(classifier)
        if not ended.waiting:
            del self._ended[clip.task]
        if isinstance(clip, ClipError):
            self._fail(clip.task, classifier, clip.error)
            return
        info = ended.end.info
        self._parent.send(
            Classified(
                task=clip.task,
                classifier=classifier,
                scores=np.asarray(clip.scores, np.float32),
                starts=clip.starts,
                ends=clip.ends,
                duration=ended.end.duration,
                sample_rate=info.sample_rate,
                channels=info.channels,
                container=info.container,
                codec=info.codec,
                windows=clip.windows,
                timeline=clip.timeline,
                embedding=clip.embedding,
            )
        )

    def _fail(self, task: int, classifier: str, error: ClassifierError) -> None:
        reason = (error.code, str(error), error.retryable)
        self._parent.send(Failed(task, classifier, *reason, file_fault=False))


def main(descriptor: int) -> None:
    """Serve the parent on the other end of the inherited socket `descriptor`."""
    parent = Parent(Connection(descriptor))
    setup = parent.receive()
    if not isinstance(setup, Setup):
        raise TypeError("the first message must be Setup")
    tell_where()
    Worker(parent, setup).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
