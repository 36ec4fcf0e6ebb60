"""A worker process: decodes in guarded children, predicts in batches, knows no database.

Started by `pool` as ``python -m earmark_workers.engine.child FD``. Three kinds of thread share it:
the main thread owns the classifier, a reader listens to the parent, and decode threads turn
paths into windows. The parent going away, however that happens, ends the process at once.
"""

from __future__ import annotations

import gc
import os
import queue
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np

from earmark.classifiers.registry import make_classifier
from earmark_plugin_api import Classifier, ClassifierError, ClipWindow
from earmark_workers.engine.batching import Batcher, ClipError, ClipScores
from earmark_workers.engine.checked import CheckedScorer
from earmark_workers.engine.decode import ClipEnd, Decoder, Dropped
from earmark_workers.engine.messages import (
    Classified,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    IdentifiedFiles,
    Ready,
    Setup,
    StartFailed,
    Verdict,
)

STARVING_S = 1.0
"""A batch that is not full is scored after this long without a new window."""

Item = tuple[int, ClipWindow] | ClipEnd | Dropped | Failed


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


class Worker:
    """Ties reader, decoders and batcher together."""

    def __init__(self, parent: Parent, setup: Setup) -> None:
        self._parent = parent
        self._setup = setup
        self._files: queue.SimpleQueue[ClassifyFile] = queue.SimpleQueue()
        self._items: queue.Queue[Item] = queue.Queue(maxsize=2 * setup.batch_windows)
        self._verdicts: dict[int, queue.SimpleQueue[bool]] = {}
        self._lock = threading.Lock()
        self._unfinished = 0  # files received whose end, drop or failure was not yet seen

    def run(self, classifier: Classifier) -> None:
        """Work until the parent hangs up."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        for number in range(self._setup.decoders):
            decoder = Decoder(
                setup=self._setup,
                manifest=classifier.manifest,
                files=self._files,
                put=self._items.put,
                send=self._parent.send,
                ask=self._ask,
            )
            threading.Thread(target=decoder.run, name=f"decode-{number}", daemon=True).start()
        # Decoding starts while the weights are still being read.
        load_untraced(classifier, self._setup.device)
        self._parent.send(Ready(classifier.manifest.identity))
        self._predict(Batcher(CheckedScorer(classifier), self._setup.batch_windows))

    def _listen(self) -> None:
        while True:
            message = self._parent.receive()
            if isinstance(message, Verdict):
                with self._lock:
                    box = self._verdicts.pop(message.task)
                box.put(message.proceed)
            elif isinstance(message, ClassifyFile):
                with self._lock:
                    self._unfinished += 1
                self._files.put(message)

    def _ask(self, found: Sequence[Identified]) -> list[bool]:
        boxes: list[queue.SimpleQueue[bool]] = [queue.SimpleQueue() for _ in found]
        with self._lock:
            for file, box in zip(found, boxes, strict=True):
                self._verdicts[file.task] = box
        self._parent.send(IdentifiedFiles(tuple(found)))
        return [box.get() for box in boxes]

    def _predict(self, batcher: Batcher) -> None:
        ends: dict[int, ClipEnd] = {}
        while True:
            item = self._next(batcher)
            if isinstance(item, tuple):
                batcher.add(*item)
            elif item is not None:
                self._close_file(batcher, item, ends)
            if batcher.full or item is None or (batcher.pending and not self._unfinished):
                batcher.flush()
            for clip in batcher.take_finished():
                self._report(clip, ends.pop(clip.task))

    def _next(self, batcher: Batcher) -> Item | None:
        """Wait for an item; None if none came for a while and windows are waiting."""
        if not batcher.pending:
            return self._items.get()
        try:
            return self._items.get(timeout=STARVING_S)
        except queue.Empty:
            return None

    def _close_file(
        self, batcher: Batcher, item: ClipEnd | Dropped | Failed, ends: dict[int, ClipEnd]
    ) -> None:
        with self._lock:
            self._unfinished -= 1
        if isinstance(item, ClipEnd):
            batcher.end(item.task)
            ends[item.task] = item
            return
        batcher.drop(item.task)
        if isinstance(item, Failed):
            self._parent.send(item)

    def _report(self, clip: ClipScores | ClipError, end: ClipEnd) -> None:
        if isinstance(clip, ClipError):
            error = clip.error
            failed = Failed(clip.task, error.code, str(error), error.retryable, file_fault=False)
            self._parent.send(failed)
            return
        info = end.info
        self._parent.send(
            Classified(
                task=clip.task,
                scores=np.asarray(clip.scores, np.float32),
                starts=clip.starts,
                ends=clip.ends,
                duration=end.duration,
                sample_rate=info.sample_rate,
                channels=info.channels,
                container=info.container,
                codec=info.codec,
                windows=clip.windows,
            )
        )


def load_untraced(classifier: Classifier, device: str) -> None:
    """Load a classifier without looking for garbage meanwhile.

    Frameworks make a million objects that stay; going through them again and again takes a tenth
    of the time they need to start.
    """
    gc.disable()
    try:
        classifier.load(device)
    finally:
        gc.freeze()
        gc.enable()


def main(descriptor: int) -> None:
    """Serve the parent on the other end of the inherited socket `descriptor`."""
    parent = Parent(Connection(descriptor))
    setup = parent.receive()
    if not isinstance(setup, Setup):
        raise TypeError("the first message must be Setup")
    try:
        Worker(parent, setup).run(make_classifier(setup.target))
    except ClassifierError as error:
        parent.send(StartFailed(error.code, str(error)))
        os._exit(1)
    except (ImportError, AttributeError) as error:
        parent.send(StartFailed("classifier_broken", f"{setup.target}: {error}"))
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
