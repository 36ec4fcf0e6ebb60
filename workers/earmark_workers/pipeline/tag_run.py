"""`tag` without its command line: scan, classify, derive, write and report one place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Sum

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Run
from earmark.jobs.services import cancel_run, submit_run
from earmark.library.models import AudioFile
from earmark.library.selectors import Place
from earmark.library.services import ScanProblem, scan_library
from earmark_files.paths import text_to_path
from earmark_workers.engine.pool import WorkerPool
from earmark_workers.pipeline.classify import Classification
from earmark_workers.pipeline.hosting import start_pool
from earmark_workers.pipeline.loop import Loop, Turn
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.outcome import find_statuses, iterate_known, iterate_reports
from earmark_workers.pipeline.recovery import (
    cancel_abandoned_runs,
    release_lost_jobs,
    settle_unknown_writes,
)
from earmark_workers.pipeline.reporting import Reporter, Totals
from earmark_workers.pipeline.shared_runs import OWNER
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.tagging import (
    derive_backlog,
    derive_for,
    note_rules,
    orders_for,
    rules_for,
)
from earmark_workers.pipeline.writing import WriteOrder, Writing
from earmark_workers.report.progress import ProgressLine
from earmark_workers.report.values import ErrorReport, FileReport, Status

BYTES_PER_WORKER = 16 << 20
"""A further worker process is worth its start from this much more sound on."""


@dataclass(frozen=True)
class TagOptions:
    """What `tag` was asked for; the names are those of its options."""

    classifiers: tuple[ClassifierVersion, ...]
    workers: int
    threshold: float | None = None
    limit: int | None = None
    write: bool = True
    dry_run: bool = False
    force: bool = False


class TagRun:
    """One place, from scan to report.

    Parameters
    ----------
    place : Place
    options : TagOptions
    stop : StopRequest
        Entered.
    progress : callable
        Makes the progress line from the number and bytes of the files to do.
    report : callable
        Gets the report of each file with new work as soon as everything about it is stored.
    """

    def __init__(
        self,
        *,
        place: Place,
        options: TagOptions,
        stop: StopRequest,
        progress: Callable[[int, int], ProgressLine],
        report: Callable[[FileReport], None],
    ) -> None:
        self._place = place
        self._options = options
        self._stop = stop
        self._progress = progress
        self._worker = worker_name()
        self._backlog: set[int] = set()
        self._in_writing: set[int] = set()
        self.totals = Totals()
        self.rules = rules_for(place.library, options.classifiers, options.threshold)
        self._written = options.write and not options.dry_run
        self._reporter = Reporter(
            rules=self.rules, written=self._written, report=report, totals=self.totals
        )

    def prepare(self) -> Run | None:
        """Clear up after the dead, scan, and submit what is missing; None if nothing is."""
        library, under = self._place.library, self._place.under
        release_lost_jobs()
        cancel_abandoned_runs(library)
        settle_unknown_writes(library)
        scan = scan_library(library=library, under=under)
        for problem in scan.problems:
            self._reporter.tell(_report_problem(self._place, problem))
        return submit_run(
            library=library,
            classifiers=self._options.classifiers,
            under=under,
            mode=Run.Mode.FORCE if self._options.force else Run.Mode.MISSING,
            limit=self._options.limit,
            options={OWNER: self._worker, "command": "tag"},
        )

    def work(self, run: Run | None) -> None:
        """Do everything that is to be done."""
        begun = time.monotonic()
        orders = self._find_backlog(run)
        files, size = _extent(run)
        files += len(orders)
        size += sum(order.size for order in orders)
        if not files:
            return
        with ExitStack() as stack:
            writing = Writing(
                threads=min(4, self._options.workers + 1),
                dry_run=self._options.dry_run,
                ring=self._stop.ring,
            )
            stack.callback(writing.close)
            loop = Loop(self._stop, writing)
            if run is not None:
                self._join(loop, run, size, stack)
            self._order(writing, orders)
            line = stack.enter_context(self._progress(files, size))
            for turn in loop.turns():
                self._take(turn, writing, line)
            self._reporter.flush(now=True)
            self.totals.seconds = line.seconds
        self.totals.elapsed = time.monotonic() - begun

    def _join(self, loop: Loop, run: Run, size: int, stack: ExitStack) -> None:
        """Give the loop a run to classify, and see to it that nothing of it stays behind."""
        note_rules(run, self.rules)
        stack.callback(self._abandon, run)
        loop.run, loop.pool = run, stack.enter_context(self._pool(size))
        loop.classification = Classification(
            classifiers=self._options.classifiers, pool=loop.pool, worker=self._worker, run=run
        )
        stack.callback(loop.classification.stop)

    def reports_of_others(self) -> Iterator[FileReport]:
        """Report on the files that needed no new work, and count them."""
        place = self._place
        for report in iterate_reports(
            place.library, place.under, self.rules, written=self._written, skip=self._reporter.told
        ):
            self.totals.counts[report.status] += 1
            yield report

    def failures_of_others(self) -> Iterator[FileReport]:
        """Count the files that needed no new work, and report on those that failed before."""
        place, skip = self._place, self._reporter.told
        statuses = find_statuses(
            place.library, place.under, self.rules, written=self._written, skip=skip
        )
        self.totals.counts.update(statuses.values())
        failed = [file_id for file_id, status in statuses.items() if status is Status.FAILED]
        yield from iterate_known(failed, self.rules, written=self._written)

    def _pool(self, size: int) -> WorkerPool:
        return start_pool(
            self._options.classifiers,
            workers=min(self._options.workers, 1 + size // BYTES_PER_WORKER),
            device=settings.EARMARK_DEVICE,
        )

    def _abandon(self, run: Run) -> None:
        """Cancel what an interrupted run of our own leaves; harmless after a complete one."""
        own = run.options.get(OWNER) == self._worker
        if own and Run.objects.open().filter(pk=run.pk).exists():
            cancel_run(run=run)

    def _find_backlog(self, run: Run | None) -> list[WriteOrder]:
        """Derive and order what earlier runs have left undone, within the limit."""
        place = self._place
        derive_backlog(place.library, place.under, self.rules)
        if not self._options.write:
            return []
        orders = [o for batch in orders_for(place.library, place.under, self.rules) for o in batch]
        if self._options.limit is not None:
            taken = _extent(run)[0]
            orders = orders[: max(0, self._options.limit - taken)]
        self._backlog = {order.file_id for order in orders}
        return orders

    def _order(self, writing: Writing, orders: Sequence[WriteOrder]) -> None:
        self._in_writing |= {order.file_id for order in orders}
        writing.add(orders)

    def _take(self, turn: Turn, writing: Writing, line: ProgressLine) -> None:
        """Derive, order and report what a turn brought."""
        step = turn.step
        if step.seconds:
            line.heard(step.seconds)
        self._reporter.add(step.failed)
        if step.classified:
            self._reporter.add(self._derive(step.classified, writing))
        files = len(step.classified) + len(step.failed)
        if files:
            line.finished(files=files, size=step.size)
        for written in turn.written:
            self._in_writing.discard(written.order.file_id)
            if written.order.file_id in self._backlog:
                line.finished(files=1, size=written.order.size)
        if self._options.dry_run:
            self._reporter.add_trials(turn.written)
        else:
            self._reporter.add(written.order.file_id for written in turn.written)
        line.finished(files=0, size=0, failed=self._reporter.flush())

    def _derive(self, file_ids: Sequence[int], writing: Writing) -> set[int]:
        """Derive tags and order writes; return the files that need none."""
        place = self._place
        derive_for(place.library, file_ids, self.rules)
        if not self._options.write:
            return set(file_ids)
        for orders in orders_for(place.library, place.under, self.rules, file_ids):
            self._order(writing, [o for o in orders if o.file_id not in self._in_writing])
        return set(file_ids) - self._in_writing


def _extent(run: Run | None) -> tuple[int, int]:
    """Return number and bytes of the files of a run."""
    if run is None:
        return 0, 0
    files = AudioFile.objects.filter(pk__in=run.jobs.values("file"))
    total = files.aggregate(files=Count("pk"), size=Sum("size"))
    return total["files"], total["size"] or 0


def _report_problem(place: Place, problem: ScanProblem) -> FileReport:
    path = place.library.location / os.fsdecode(text_to_path(problem.path))
    return FileReport(str(path), Status.FAILED, ErrorReport(problem.code, problem.message))
