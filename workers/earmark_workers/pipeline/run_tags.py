"""From files that were just classified to their tags and to requests for their writes.

Workers serve many runs at once: each file gets the tags of the newest run that classified it, by
the policy of its library. What a worker that died has left undone is done at the end of the run
(`follow_up`), by the same rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator

import structlog
from django.db.models import Exists, OuterRef
from structlog.contextvars import bound_contextvars

from earmark.core.errors import EarmarkError
from earmark.core.hints import send_hint
from earmark.jobs.asking import list_classifiers
from earmark.jobs.models import Job, Run
from earmark.jobs.selection import meant_by
from earmark.jobs.services import abort_run, settle_follow_up
from earmark.settings.queues import WRITE
from earmark.tagging.services import ask_second_opinions
from earmark.writeback.asking import request_writes
from earmark_workers.pipeline.shared_runs import shared_runs
from earmark_workers.pipeline.tagging import (
    BATCH,
    Rules,
    derive_backlog,
    derive_for,
    list_files_due,
    note_rules,
    rules_for,
)

log = structlog.get_logger(__name__)

HINT_EVERY_S = 0.5
"""Writers are woken so often while requests come; and once more for the last of them."""


class RunTags:
    """Derives tags by the rules of the runs; made anew for each slice, so that rules stay fresh."""

    def __init__(self) -> None:
        self._rules: dict[int, Rules | None] = {}
        self._hinted = 0.0
        self._owed = False  # whoever goes on with what was taken is still to be woken

    def take(self, file_ids: Collection[int]) -> None:
        """Derive the tags of files that were just classified, and ask for their writes."""
        ids = list(file_ids)
        self._owed |= bool(ids)
        for start in range(0, len(ids), BATCH):
            for run, files in _by_run(ids[start : start + BATCH]):
                with bound_contextvars(run=run.pk):
                    self._take_of(run, files)

    def end(self) -> None:
        """Wake who goes on with what was taken last; else that would wait for the clock."""
        if self._owed:
            self._hinted = 0.0
            self._hint()

    def follow_up(self, run: Run, should_stop: Callable[[], bool]) -> bool:
        """Do what is left to do when all jobs of a run are done; False if it was broken off."""
        with bound_contextvars(run=run.pk):
            return self._follow_up(run, should_stop)

    def _take_of(self, run: Run, file_ids: list[int]) -> None:
        rules = self.rules_of(run)
        if rules is not None:
            derive_for(run.library, file_ids, rules, run)
            self._request(run, rules, file_ids)

    def _follow_up(self, run: Run, should_stop: Callable[[], bool]) -> bool:
        rules = self.rules_of(run)
        if rules is not None:
            if not derive_backlog(run.library, run.under, rules, should_stop=should_stop):
                return False
            asked = ask_second_opinions(run=run, rules=rules)
            self._request(run, rules, None)
            if asked:
                return True  # the run goes on
        settle_follow_up(run=run)
        return True

    def rules_of(self, run: Run) -> Rules | None:
        """Return the rules of a run; None where they cannot be applied: the run fails with why."""
        if run.pk not in self._rules:
            self._rules[run.pk] = self._find(run)
        return self._rules[run.pk]

    def _find(self, run: Run) -> Rules | None:
        try:
            rules = rules_for(run.library, list_classifiers(run=run), run.options.get("threshold"))
        except EarmarkError as error:
            abort_run(run=run, code=error.code, message=str(error))
            log.error("run_failed", run=run.pk, code=error.code, message=error.message)
            return None
        note_rules(run, rules)
        return rules

    def _request(self, run: Run, rules: Rules, file_ids: Collection[int] | None) -> None:
        if not run.options.get("write", True):
            return
        under = run.under if file_ids is None else ""
        files = list_files_due(run.library, under, rules, file_ids, run=run)
        if file_ids is None:
            files = meant_by(run, files)
        wanted = dict(files.values_list("pk", "tag_set__tags_key"))
        if wanted:
            request_writes(run=run, tags_keys=wanted)
            self._hint()

    def _hint(self) -> None:
        self._owed = time.monotonic() < self._hinted + HINT_EVERY_S
        if not self._owed:
            self._hinted = time.monotonic()
            send_hint(WRITE)


def _by_run(file_ids: Collection[int]) -> Iterator[tuple[Run, list[int]]]:
    """Yield runs with those of the files that each was the last to classify."""
    done = Job.objects.filter(
        file__in=file_ids, state=Job.State.SUCCEEDED, run__in=shared_runs()
    ).order_by("run")
    files: dict[int, list[int]] = {}
    for file_id, run_id in dict(done.values_list("file", "run")).items():
        files.setdefault(run_id, []).append(file_id)
    for run in Run.objects.filter(pk__in=files).select_related("library"):
        yield run, files[run.pk]


def list_runs_to_follow_up() -> list[Run]:
    """Return the shared runs whose jobs are all done and whose later steps may not be."""
    runs = shared_runs().exclude(state=Run.State.CANCELLED).filter(options__follow_up=True)
    open_jobs = Job.objects.unfinished().filter(run=OuterRef("pk"))
    return list(runs.filter(~Exists(open_jobs)).select_related("library").order_by("pk"))
