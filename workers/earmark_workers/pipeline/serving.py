"""Work off the scans and runs that were started in the admin, one after the other, for good.

What breaks off by something unforeseen is tried again later; everything else goes on meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait

import structlog

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.services import require_installed
from earmark.core.errors import EarmarkError
from earmark.jobs.asking import list_classifiers
from earmark.jobs.models import Job, Run
from earmark.jobs.services import abort_run, settle_follow_up
from earmark.library.models import Scan
from earmark.library.selectors import Place
from earmark.library.services import run_next_scan
from earmark.writeback.write_queue import list_due_requests
from earmark_workers.pipeline.attempts import Attempt, Attempts
from earmark_workers.pipeline.caretaker import Caretaker
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.recovery import settle_unknown_writes
from earmark_workers.pipeline.reporting import Totals
from earmark_workers.pipeline.shared_runs import OWNER
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.tag_run import TagOptions, TagRun
from earmark_workers.pipeline.write_host import WriteHost
from earmark_workers.report.progress import ProgressLine
from earmark_workers.report.values import FileReport

log = structlog.get_logger(__name__)

IDLE_S = 1.0
"""How often to look for something to do."""

MOST_BREAKS = 3
"""A run that breaks off so often by something unforeseen is given up, with the reason."""


@dataclass
class Server:
    """Takes whatever waits, until somebody wants it to stop.

    Parameters
    ----------
    stop : StopRequest
        Entered.
    workers : int
        Worker processes of a run.
    progress : callable
        Makes the progress line from the number and bytes of the files to do.
    scanned, worked : callable
        Get each scan, and each run with its totals, when it has ended.
    """

    stop: StopRequest
    workers: int
    progress: Callable[[int, int], ProgressLine]
    scanned: Callable[[Scan], None]
    worked: Callable[[Run, Totals], None]
    _name: str = field(default_factory=worker_name)

    def __post_init__(self) -> None:
        self._caretaker = Caretaker(stop=self.stop)
        self._kinds = (
            Attempt("scans", self._scan),
            Attempt("runs", self._work),
            Attempt("writes", self._write),
        )
        self._runs = Attempts("run")

    def serve(self, *, until_idle: bool = False) -> None:
        """Work; with `until_idle` end when nothing is left to do.

        Raises
        ------
        Exception
            With `until_idle`, what something that is left to do breaks off with.
        """
        with self._caretaker.beside():
            while not self.stop.asked:
                if self._turn():
                    continue
                if until_idle:
                    self._require_done()
                    return
                wait([self.stop.wake], IDLE_S)
                self.stop.quiet()

    def _turn(self) -> bool:
        operated = self._caretaker.turn()
        return any(kind() for kind in self._kinds) or operated

    def _require_done(self) -> None:
        for attempt in (*self._caretaker.attempts, *self._kinds, *self._runs.broken):
            if attempt.error is not None:
                raise attempt.error

    def _scan(self) -> bool:
        scan = run_next_scan(worker=self._name, should_stop=lambda: self.stop.asked)
        if scan is not None:
            self.scanned(scan)
        return scan is not None

    def _work(self) -> bool:
        """Take the oldest run with something to do; those of `tag` are its own business."""
        runs = Run.objects.to_follow_up().select_related("library").order_by("pk")
        return any(self._try(run) for run in runs if _is_for_us(run))

    def _try(self, run: Run) -> bool:
        """Work on a run; one that has broken off rests, or is given up when it always does."""
        done, attempt = self._runs.try_for(run.pk, self._work_on, run)
        if attempt.breaks >= MOST_BREAKS:
            reason = f"An unexpected fault of Earmark ({attempt.error!r}); please report."
            abort_run(run=run, code="internal_error", message=reason)
            log.error("run_given_up", run=run.pk)
            settle_follow_up(run=run)
            self._runs.forget(run.pk)
            return True
        return done

    def _write(self) -> bool:
        """Write what Celery workers have asked for and nobody has written."""
        if not list_due_requests().exists():
            return False
        return WriteHost(threads=self.workers + 1).serve(Slice(self.stop, math.inf))

    def _work_on(self, run: Run) -> bool:
        named = list_classifiers(run=run)
        classifiers = [one for one in named if self._is_usable(run, one)]
        try:
            if classifiers:
                self._classify(run, tuple(classifiers))
        except EarmarkError as error:
            # Nobody is there to see an exception; the jobs tell why nothing happens.
            abort_run(run=run, code=error.code, message=str(error))
            log.error("run_failed", run=run.pk, code=error.code, message=error.message)
        if not self.stop.asked:  # else the next start goes on with it
            settle_follow_up(run=run)
        return True

    def _is_usable(self, run: Run, classifier: ClassifierVersion) -> bool:
        """Say whether a run's classifier can be used; if not, its jobs fail with the reason."""
        try:
            require_installed(classifier=classifier)
        except EarmarkError as error:
            abort_run(run=run, code=error.code, message=str(error), classifier=classifier)
            log.error("classifier_unusable", run=run.pk, code=error.code, message=error.message)
            return False
        return True

    def _classify(self, run: Run, classifiers: tuple[ClassifierVersion, ...]) -> None:
        settle_unknown_writes(run.library)
        options = TagOptions(
            classifiers=classifiers,
            workers=self.workers,
            threshold=run.options.get("threshold"),
            write=bool(run.options.get("write", True)),
        )
        work = TagRun(
            place=Place(run.library, run.under),
            options=options,
            stop=self.stop,
            progress=self.progress,
            report=_ignore,
        )
        jobs = Job.objects.queued().filter(run=run)
        work.work(run if jobs.exists() or work.leaves_doubt(run) else None)
        self.worked(run, work.totals)


def _is_for_us(run: Run) -> bool:
    if OWNER in run.options:
        return False
    return Run.FOLLOW_UP in run.options or Job.objects.queued().filter(run=run).exists()


def _ignore(report: FileReport) -> None:
    """The rows say it; nobody reads the output of a server file by file."""
