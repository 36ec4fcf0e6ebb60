"""The classifiers of one worker process: loaded once, kept from slice to slice."""

from __future__ import annotations

import threading

import structlog
from django.db.models import Exists, OuterRef

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.services import require_installed
from earmark.core.errors import EarmarkError
from earmark.core.hints import classify_queue
from earmark.jobs.models import Job
from earmark.jobs.services import requeue_expired
from earmark_workers.engine.pool import EngineError, WorkerPool
from earmark_workers.pipeline.classify import Classification
from earmark_workers.pipeline.hosting import start_pool
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.run_tags import RunTags
from earmark_workers.pipeline.shared_runs import abort_waiting, shared_runs
from earmark_workers.pipeline.slices import Slice

log = structlog.get_logger(__name__)


class ClassifyHost:
    """Works slices with one pool of engine processes.

    Parameters
    ----------
    workers : int
        Processor cores to use; on a device, threads that decode for it.
    device : str
        See `earmark_workers.pipeline.hosting.start_pool`.
    """

    def __init__(self, *, workers: int, device: str) -> None:
        self._workers = workers
        self._device = device
        self._lock = threading.Lock()
        self._hosted: list[ClassifierVersion] = []
        self._pool: WorkerPool | None = None
        self._work: Classification | None = None
        self._stranded = False  # jobs may be held in our name that nobody works on

    @property
    def hosted(self) -> tuple[str, ...]:
        """Identities of the classifiers that are loaded."""
        return tuple(classifier.identity for classifier in self._hosted)

    @property
    def device(self) -> str:
        """Where they compute."""
        return self._device

    def serve(self, queue: str, period: Slice) -> bool:
        """Work a slice for a queue; return whether its end came before that of the work.

        A second slice at the same time does nothing: there is one pool.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._serve(queue, period)
        except BaseException:
            # Whatever it was, the next slice begins with processes and claims of its own.
            self._drop()
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()
        self._pool = self._work = None
        self._hosted = []

    def _serve(self, queue: str, period: Slice) -> bool:
        if self._stranded:
            requeue_expired(dead_workers=[worker_name()], blame=False)
            self._stranded = False
        wanted = [one for one in list_wanted(queue) if self._is_loaded(one) or is_usable(one)]
        if not wanted or period.over:
            return period.over and bool(wanted)
        try:
            self._run(*self._prepare(wanted), period)
        except EngineError as error:
            log.error("engine_failed", code=error.code, reason=error.message)
            self._drop()
            for classifier in wanted:
                abort_waiting(classifier, code=error.code, message=error.message)
        # Jobs may wait for others, or for better times: with nothing to claim the clock is enough.
        return period.over and bool(list_wanted(queue))

    def _is_loaded(self, classifier: ClassifierVersion) -> bool:
        """Say whether a classifier was found usable before: to ask its plugin costs a process."""
        return self._pool is not None and classifier in self._hosted and classifier.enabled

    def _prepare(self, wanted: list[ClassifierVersion]) -> tuple[Classification, WorkerPool]:
        """Return the pool that hosts what is wanted; a new one if that is more than before."""
        if self._pool is None or self._work is None or not set(wanted) <= set(self._hosted):
            hosted = [one for one in self._hosted if one not in wanted and is_usable(one)]
            self.close()
            self._hosted = hosted + wanted
            self._pool = start_pool(self._hosted, workers=self._workers, device=self._device)
            self._work = Classification(
                classifiers=self._hosted, pool=self._pool, worker=worker_name()
            )
        return self._work, self._pool

    def _run(self, work: Classification, pool: WorkerPool, period: Slice) -> None:
        tags = RunTags()
        work.look_again()
        claiming = True
        while not period.stop.asked:
            if claiming and period.over:
                work.stop_claiming()
                claiming = False
            if claiming:
                work.fill()
            # Also what was lost and is still in the pool: left alone, it would keep its room for
            # good, as nobody else listens to the pool.
            if not work.busy and not pool.busy:
                tags.end()
                return
            step = work.step(pool.wait(work.timeout(), also=[period.stop.wake]))
            period.stop.quiet()
            tags.take(step.classified)
        tags.take(work.stop().classified)
        tags.end()
        self.close()

    def _drop(self) -> None:
        self.close()
        self._stranded = True


def list_wanted(queue: str) -> list[ClassifierVersion]:
    """Return the classifiers with jobs that wait for workers of a queue."""
    waiting = Job.objects.queued().filter(
        run__in=shared_runs(), classifier=OuterRef("pk"), waits_for=None
    )
    found = ClassifierVersion.objects.filter(Exists(waiting)).order_by("pk")
    return [one for one in found if classify_queue(one.name) == queue]


def is_usable(classifier: ClassifierVersion) -> bool:
    """Say whether a classifier is installed here; if not, the jobs that wait for it fail."""
    try:
        require_installed(classifier=classifier)
    except EarmarkError as error:
        abort_waiting(classifier, code=error.code, message=str(error))
        log.error("classifier_unusable", classifier=classifier.identity, code=error.code)
        return False
    return True
