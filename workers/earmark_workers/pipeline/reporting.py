"""Tells about files as they are finished, a few at a time: a report costs several queries."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from earmark_workers.pipeline.outcome import reports_for
from earmark_workers.pipeline.tagging import Rules
from earmark_workers.pipeline.writing import Written
from earmark_workers.report.values import ErrorReport, FileReport, Status

TELL_AT = 64
TELL_AFTER_S = 0.5
"""Reports are made when there are so many, or when the oldest has waited so long."""


@dataclass
class Totals:
    """What came out of all places together."""

    counts: Counter[Status] = field(default_factory=Counter)
    fresh: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0

    def add(self, other: Totals) -> None:
        """Add those of another place."""
        self.counts += other.counts
        self.fresh += other.fresh
        self.seconds += other.seconds
        self.elapsed += other.elapsed


class Reporter:
    """Collects finished files and reports on them.

    Parameters
    ----------
    rules : Rules
    written : bool
        Whether tags are meant to be in the files.
    report : callable
        Gets each report.
    totals : Totals
        Where they are counted.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        written: bool,
        report: Callable[[FileReport], None],
        totals: Totals,
    ) -> None:
        self.told: set[int] = set()
        self._totals = totals
        self._rules = rules
        self._written = written
        self._report = report
        self._finished: set[int] = set()
        self._trials: dict[int, Written] = {}
        self._since = 0.0

    def add(self, file_ids: Iterable[int]) -> None:
        """Take files whose rows are complete."""
        if not self._finished:
            self._since = time.monotonic()
        self._finished.update(file_ids)

    def add_trials(self, trials: Collection[Written]) -> None:
        """Take what a dry run has found out, which is stored nowhere else."""
        self._trials |= {trial.order.file_id: trial for trial in trials}
        self.add(self._trials)

    def flush(self, *, now: bool = False) -> int:
        """Report on the files so far, if that is due; return how many of them failed."""
        due = len(self._finished) >= TELL_AT or time.monotonic() >= self._since + TELL_AFTER_S
        if not self._finished or not (now or due):
            return 0
        ids, self._finished = self._finished, set()
        trials, self._trials = self._trials, {}
        self.told |= ids
        failed = 0
        for file_id, found in reports_for(ids, self._rules, written=self._written, fresh=True):
            report = _with_trial(found, trials[file_id]) if file_id in trials else found
            self.tell(report)
            failed += report.status is Status.FAILED
        return failed

    def tell(self, report: FileReport) -> None:
        """Report on something that was looked at in this run."""
        self._totals.counts[report.status] += 1
        self._totals.fresh += 1
        self._report(report)


def _with_trial(report: FileReport, trial: Written) -> FileReport:
    if trial.code:
        error = ErrorReport(trial.code, trial.message)
        return replace(report, status=Status.FAILED, error=error)
    return replace(report, diff=trial.diff)
