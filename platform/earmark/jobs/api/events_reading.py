"""Reads the events of a run, or of all runs of a library, from where somebody stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Now

from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.models import Run, RunEvent
from earmark.jobs.selectors import count_jobs, count_library, get_run, list_events, list_open_runs
from earmark.library.models import Library

PAGE = 500

SETTLED_AFTER = timedelta(seconds=60)
"""A transaction that writes events is over long before: whatever is older is visible."""


@dataclass(frozen=True)
class Channel:
    """What somebody listens to: a run, or all runs of a library."""

    run: int | None = None
    library: int | None = None

    def past(self, bookmark: Bookmark, event: RunEvent, settled: int = 0) -> Bookmark:
        """Return the place behind one more event; up to the id `settled` none can come late."""
        if self.run is not None:
            return Bookmark(event.pk)  # of one run, a number says it all
        behind = bookmark.after(event.run_id, event.pk)
        return behind.raised_to(event.pk) if event.pk <= settled else behind


def read_page(channel: Channel, bookmark: Bookmark, limit: int = PAGE) -> list[RunEvent]:
    """Return the next events after a bookmark, oldest first."""
    if channel.run is not None:
        events = list_events(run=Run(pk=channel.run), after=bookmark.last_of(channel.run))
    else:
        events = _of_library(channel, bookmark).order_by("pk")
    return list(events[:limit])


def last_settled(channel: Channel, page: Sequence[RunEvent]) -> int:
    """Return up to which id of a page that was just read no further events can become visible.

    0 where there is none, or where nobody need know: without it, the bookmark of somebody who
    reads the whole past of a library would name every run there ever was.
    """
    if channel.run is not None:
        return 0
    old = RunEvent.objects.filter(
        pk__in=[event.pk for event in page], created_at__lt=Now() - SETTLED_AFTER
    )
    return old.aggregate(last=Max("pk"))["last"] or 0


def read_newest(channel: Channel) -> Bookmark:
    """Return the place behind everything that has happened so far."""
    if channel.run is not None:
        last = list_events(run=Run(pk=channel.run)).aggregate(last=Max("pk"))["last"]
        return Bookmark(last or 0)
    events = RunEvent.objects.filter(run__library=channel.library)
    settled = events.filter(created_at__lt=Now() - SETTLED_AFTER).aggregate(last=Max("pk"))
    base = settled["last"] or 0
    lately = events.filter(pk__gt=base).order_by("run").values_list("run").annotate(Max("pk"))
    return Bookmark(base, dict(lately))


def read_state(channel: Channel) -> dict[str, Any]:
    """Return how far the work is at this moment, as counts of jobs in each state."""
    if channel.run is not None:
        run = get_run(number=channel.run)
        counts = vars(count_jobs(run=run))
        return {"run": run.pk, "state": run.standing, "jobs": counts}
    library = Library(pk=channel.library)
    open_runs = list(list_open_runs(library=library).values_list("pk", flat=True))
    counts = vars(count_library(library=library))
    return {"library": channel.library, "open_runs": open_runs, "jobs": counts}


def has_ended(channel: Channel) -> bool:
    """Say whether nothing more will happen unless somebody queues the run's jobs again."""
    if channel.run is None:
        return False
    return not Run.objects.open().filter(pk=channel.run).exists()


def _of_library(channel: Channel, bookmark: Bookmark) -> Any:
    """Return the events of a library's runs after a bookmark.

    The runs of the bookmark are asked for one by one: of them nothing is read twice, however
    many events lie between the base and their last one.
    """
    known = [Q(run=run, pk__gt=bookmark.last_of(run)) for run in bookmark.runs]
    others = Q(pk__gt=bookmark.base) & ~Q(run__in=list(bookmark.runs))
    events = RunEvent.objects.filter(run__library=channel.library)
    return events.filter(reduce(or_, known, others))
