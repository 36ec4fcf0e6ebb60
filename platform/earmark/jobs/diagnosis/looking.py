"""All examinations, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from earmark.core.health import check_broker, check_database, check_migrations
from earmark.jobs.diagnosis.findings import Finding
from earmark.jobs.diagnosis.machine import look_at_clocks, look_at_libraries, look_at_volumes
from earmark.jobs.diagnosis.queues import (
    look_at_classifiers,
    look_at_delays,
    look_at_leases,
    look_at_pauses,
    look_at_scans,
    look_at_workers,
)
from earmark.jobs.models import Run, RunQuerySet
from earmark.library.models import Library

FURTHER: list[Callable[[Iterable[Library]], Iterable[Finding]]] = []
"""What apps above this one look at; they add it when Django starts."""


def diagnose(*, run: Run | None = None, library: Library | None = None) -> list[Finding]:
    """Return what keeps jobs from being done; empty if nothing does.

    Parameters
    ----------
    run, library : optional
        Look at this run, or the runs over this library, only; by default at all open runs.
    """
    findings = list(_look_at_services())
    if any(finding.code.startswith("database") for finding in findings):
        return findings  # nothing else can be known
    runs = _in_question(run, library)
    libraries = Library.objects.all()
    if run is not None:
        libraries = libraries.filter(pk=run.library_id)
    elif library is not None:
        libraries = libraries.filter(pk=library.pk)
    for look in (look_at_pauses, look_at_workers, look_at_classifiers, look_at_leases):
        findings += look(runs)
    findings += look_at_delays(runs)
    findings += look_at_scans(libraries)
    for look_further in FURTHER:
        findings += look_further(libraries)
    findings += look_at_clocks()
    findings += look_at_libraries(libraries)
    findings += look_at_volumes(libraries)
    return findings


def _in_question(run: Run | None, library: Library | None) -> RunQuerySet:
    runs = Run.objects.open()
    if run is not None:
        runs = runs.filter(pk=run.pk)
    return runs.filter(library=library) if library is not None else runs


def _look_at_services() -> Iterator[Finding]:
    away = check_database()
    if away:
        yield Finding(
            "database_away",
            f"The database cannot be used: {away}",
            "Start it, or correct EARMARK_DATABASE_URL.",
        )
        return
    missing = check_migrations()
    if missing:
        yield Finding(
            "database_behind",
            f"The database is older than this version of Earmark; {missing}.",
            "Run `earmark migrate`.",
        )
    broker = check_broker()
    if broker:
        yield Finding(
            "broker_away",
            f"The broker cannot be reached: {broker}",
            "Start it, or correct EARMARK_BROKER_URL. Nothing is lost: the database knows what is "
            "to be done, and workers go on when the broker is back.",
        )
