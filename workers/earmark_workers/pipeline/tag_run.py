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
from earmark.tagging.services import ask_second_opinions, list_in_doubt
from earmark_files.paths import text_to_path
from earmark_workers.engine.pool import WorkerPool
from earmark_workers.pipeline.classify import Classification
from earmark_workers.pipeline.file_writes import WriteOrder
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
from earmark_workers.pipeline.writing import Writing
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
        self._waiting: set[int] = set()
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
            max_tries=1,  # somebody is waiting: say what failed, the next `tag` tries it again
            options={OWNER: self._worker, "command": "tag"},
            at_first=self.rules.asked_first,
            keep_empty=self.leaves_doubt(),
        )

    def leaves_doubt(self, run: Run | None = None) -> bool:
        """Whether there are files left about which the next classifier is to be asked.

        What was asked in vain in a run is not asked again in it.
        """
        if not self.rules.asks_in_turn:
            return False
        library, under = self._place.library, self._place.under
        derive_backlog(library, under, self.rules)
        return list_in_doubt(library=library, rules=self.rules, under=under, run=run).exists()

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
            self._turn(loop, writing, line)
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

    def _turn(self, loop: Loop, writing: Writing, line: ProgressLine) -> None:
        """Take turns until nothing is left to do, or somebody wants to stop."""
        while True:
            for turn in loop.turns():
                self._take(turn, loop.run, writing, line)
            if self._stop.asked or not self._waiting:
                return
            # Whoever was to be asked cannot be used here: what is known has to do.
            self._reporter.add(self._derive(sorted(self._waiting), loop.run, writing))

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
        if run is not None:
            ask_second_opinions(run=run, rules=self.rules, limit=self._left(run))
        if not self._options.write:
            return []
        batches = orders_for(place.library, place.under, self.rules, run=run)
        orders = [order for batch in batches for order in batch]
        orders = orders[: self._left(run)]
        self._backlog = {order.file_id for order in orders}
        return orders

    def _left(self, run: Run | None) -> int | None:
        """Return how many files more than those of the run are within the limit."""
        limit = self._options.limit
        return None if limit is None else max(0, limit - _extent(run)[0])

    def _order(self, writing: Writing, orders: Sequence[WriteOrder]) -> None:
        self._in_writing |= {order.file_id for order in orders}
        writing.add(orders)

    def _take(self, turn: Turn, run: Run | None, writing: Writing, line: ProgressLine) -> None:
        """Derive, order and report what a turn brought."""
        step = turn.step
        if step.seconds:
            line.heard(step.seconds)
        ended = [*step.classified, *step.failed]
        # What one classifier could not do may be asked of the next, or may have been asked of it.
        # And whoever has waited for that one alone waits no longer.
        waited = self._waiting.intersection(step.failed)
        derived = ended if self.rules.asks_in_turn else [*step.classified, *waited]
        self._reporter.add(set(ended) - set(derived))
        if derived:
            self._reporter.add(self._derive(derived, run, writing))
        if ended:
            line.finished(files=len(ended) - len(self._waiting & {*ended}), size=step.size)
        for written in turn.written:
            self._in_writing.discard(written.order.file_id)
            if written.order.file_id in self._backlog:
                line.finished(files=1, size=written.order.size)
        if self._options.dry_run:
            self._reporter.add_trials(turn.written)
        else:
            self._reporter.add(written.order.file_id for written in turn.written)
        line.finished(files=0, size=0, failed=self._reporter.flush())

    def _derive(self, file_ids: Sequence[int], run: Run | None, writing: Writing) -> set[int]:
        """Derive tags and order writes; return the files that need none and wait for nothing."""
        place = self._place
        waiting = derive_for(place.library, file_ids, self.rules, run)
        self._waiting = (self._waiting - set(file_ids)) | waiting
        if self._options.write:
            for orders in orders_for(place.library, place.under, self.rules, file_ids, run=run):
                self._order(writing, [o for o in orders if o.file_id not in self._in_writing])
        return set(file_ids) - self._in_writing - waiting


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
