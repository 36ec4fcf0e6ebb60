"""Write accepted tags into files: what the queue of writes holds, volume by volume."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Collection, Iterable, Sequence

from django.conf import settings

from earmark.jobs.models import Run
from earmark.library.services import settle_seconds_of
from earmark.writeback.services import note_unreadable
from earmark.writeback.write_queue import (
    ClaimedBatch,
    ClaimedWrite,
    claim_writes,
    finish_writes,
    list_due_requests,
    postpone_write,
    release_writes,
    renew_writes,
    requeue_lost_writes,
)
from earmark_workers.pipeline.attempts import Attempts
from earmark_workers.pipeline.file_writes import AUDIO_CHANGED, WriteOrder
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.recovery import settle_unknown_writes
from earmark_workers.pipeline.run_tags import RunTags, list_runs_to_follow_up
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.tagging import orders_by_basis, orders_for
from earmark_workers.pipeline.writing import RECORD_AFTER_S, REFUSALS, Writing, Written

AHEAD = 32
"""Requests taken at once for each thread: enough to keep it busy, and soon given back."""

SETTLED = REFUSALS | {AUDIO_CHANGED}
"""Reasons that do not pass by themselves: the next scan or run asks anew."""


class WriteHost:
    """Works slices, one at a time: all requests in this process's name belong to that one.

    Parameters
    ----------
    threads : int
        Files to write at once, as far as the volume allows.
    """

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._stranded = False  # requests may be held in our name that nobody works on
        self._ends = Attempts("end of run")

    def serve(self, period: Slice) -> bool:
        """Do the later steps of runs and write what is asked for; return whether work is left.

        A second slice at the same time does nothing.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._serve(period)
        except BaseException:
            self._stranded = True
            raise
        finally:
            self._lock.release()

    def _serve(self, period: Slice) -> bool:
        if self._stranded:
            requeue_lost_writes(dead_workers=[worker_name()], blame=False)
            self._stranded = False
        tags = RunTags()
        for run in list_runs_to_follow_up():
            if period.over:
                return True
            self._ends.try_for(run.pk, tags.follow_up, run, period.ask)
        if period.over:
            return True
        while not period.over:
            batch = claim_writes(
                worker=worker_name(), threads=self._threads, limit=AHEAD * self._threads
            )
            if batch is None:
                return False
            _Batch(batch, tags, period).write()
        return list_due_requests().exists()


class _Batch:
    """Claimed requests on their way into files."""

    def __init__(self, batch: ClaimedBatch, tags: RunTags, period: Slice) -> None:
        self._batch = batch
        self._tags = tags
        self._stop = period.stop
        self._held = {write.file_id: write for write in batch.writes}
        self._renew_s = settings.EARMARK_JOB_LEASE_SECONDS / 3
        self._renew_at = time.monotonic() + self._renew_s

    def write(self) -> None:
        """Write, until all are settled or somebody wants to stop; give the others back."""
        # Nobody but us may be at these files, so what is unknown about them can be found out.
        settle_unknown_writes(self._batch.library, file_ids=list(self._held))
        writing = Writing(
            threads=self._batch.slots,
            dry_run=False,
            ring=self._stop.ring,
            rest_s=settle_seconds_of(self._batch.library),
        )
        try:
            orders = self._orders()
            self._finish_needless(orders)
            writing.add(orders)
            self._work(writing)
        finally:
            writing.close()
            release_writes(writes=list(self._held.values()))

    def _orders(self) -> list[WriteOrder]:
        writes = self._batch.writes
        as_they_are = [write.file_id for write in writes if write.run_id is None]
        orders = orders_by_basis(self._batch.library, as_they_are)
        by_run: dict[int, list[int]] = {}
        for write in writes:
            if write.run_id is not None:
                by_run.setdefault(write.run_id, []).append(write.file_id)
        for run in Run.objects.filter(pk__in=by_run).select_related("library"):
            rules = self._tags.rules_of(run)
            if rules is not None:
                for some in orders_for(run.library, "", rules, by_run[run.pk], run=run):
                    orders += some
        return orders

    def _finish_needless(self, orders: Sequence[WriteOrder]) -> None:
        """Settle requests for files that need no write, or none by these rules, any more.

        If somebody has changed the tags since the claim, the request stays.
        """
        needed = {order.file_id for order in orders}
        idle = [write for file_id, write in self._held.items() if file_id not in needed]
        note_unreadable(file_ids=[write.file_id for write in idle if write.run_id is None])
        self._settle((write, write.tags_key) for write in idle)

    def _work(self, writing: Writing) -> None:
        while writing.busy and not self._stop.asked:
            written = writing.step()
            self._take(written)
            if not written and writing.busy:
                left = min(RECORD_AFTER_S, max(0.0, self._renew_at - time.monotonic()))
                select.select([self._stop.wake], [], [], left)
                self._stop.quiet()
            if time.monotonic() >= self._renew_at:
                renew_writes(writes=list(self._held.values()), worker=worker_name())
                self._renew_at = time.monotonic() + self._renew_s
        if self._stop.asked:
            self._take(writing.stop())

    def _take(self, written: Collection[Written]) -> None:
        done = [one for one in written if not one.code or one.code in SETTLED]
        self._settle((self._held[one.order.file_id], one.order.tags_key) for one in done)
        for one in written:
            write = self._held.pop(one.order.file_id, None)
            if write is not None:
                postpone_write(write=write)

    def _settle(self, done: Iterable[tuple[ClaimedWrite, str]]) -> None:
        keys = dict(done)
        finish_writes(tags_keys=keys)
        for write in keys:
            del self._held[write.file_id]
