"""How runs, failures and findings look on a terminal, and as JSON."""

from __future__ import annotations

from dataclasses import asdict

from earmark.jobs.models import Job, Run
from earmark.jobs.selectors import RunCounts


def run_values(run: Run, counts: RunCounts) -> dict[str, object]:
    """Return what is told of a run."""
    return {
        "run": run.pk,
        "library": run.library.name,
        "state": run.standing,
        "mode": run.mode,
        "under": run.under,
        "selection": run.selection,
        "classifiers": [one.identity for one in run.classifiers.all()],
        "policy": run.options.get("policy", ""),
        "priority": run.priority,
        "jobs": asdict(counts) | {"total": counts.total},
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def run_line(run: Run, counts: RunCounts) -> str:
    """Return the same in one line."""
    parts = [f"{count:,} {state}" for state, count in asdict(counts).items() if count]
    names = ", ".join(one.identity for one in run.classifiers.all())
    return (
        f"run {run.pk}  {run.standing:<9}  {run.library.name}  {names}  "
        f"{', '.join(parts) or 'no jobs'} of {counts.total:,}"
    )


def failure_values(job: Job) -> dict[str, object]:
    """Return what is told of a failed job."""
    return {
        "job": job.pk,
        "run": job.run_id,
        "path": str(job.file.location),
        "classifier": job.classifier.identity,
        "code": job.reason_code,
        "message": job.reason_message,
        "retryable": job.retryable,
        "tries": job.tries,
    }


def failure_line(job: Job) -> str:
    """Return the same in one line."""
    path = str(job.file.location).encode("utf-8", "backslashreplace").decode()
    return f"{path}  {job.classifier.identity}  {job.reason_code}: {job.reason_message}"
