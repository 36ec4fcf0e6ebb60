"""Everything that changes runs, jobs and predictions.

The protocol: a worker claims jobs with a lease (`claim_jobs`), tells which audio it found
(`identify_jobs`, which finishes at once what is known already), classifies the rest, renews its
lease meanwhile (`renew_leases`) and reports (`complete_jobs`, `fail_job`). Whoever reports names
the attempt it claimed; a worker that lost its lease is refused. `requeue_expired` gives the work
of the dead to the living.
"""

from earmark.jobs.services.adding import add_jobs
from earmark.jobs.services.claiming import (
    ClaimedJob,
    by_file,
    claim_jobs,
    release_jobs,
    renew_leases,
)
from earmark.jobs.services.completion import (
    Completion,
    JobResult,
    complete_jobs,
    fail_job,
)
from earmark.jobs.services.events import prune_events
from earmark.jobs.services.fencing import Claim
from earmark.jobs.services.identification import (
    FoundAudio,
    Identification,
    Verdict,
    identify_jobs,
)
from earmark.jobs.services.runs import (
    abort_run,
    cancel_run,
    close_finished_runs,
    pause_run,
    resume_run,
    retry_run,
    settle_follow_up,
)
from earmark.jobs.services.submission import RunPreview, preview_run, submit_run
from earmark.jobs.services.sweeping import SweepReport, requeue_expired
from earmark.jobs.services.workers import DeviceUse, forget_worker, report_worker

__all__ = [
    "Claim",
    "ClaimedJob",
    "Completion",
    "DeviceUse",
    "FoundAudio",
    "Identification",
    "JobResult",
    "RunPreview",
    "SweepReport",
    "Verdict",
    "abort_run",
    "add_jobs",
    "by_file",
    "cancel_run",
    "claim_jobs",
    "close_finished_runs",
    "complete_jobs",
    "fail_job",
    "forget_worker",
    "identify_jobs",
    "pause_run",
    "preview_run",
    "prune_events",
    "release_jobs",
    "renew_leases",
    "report_worker",
    "requeue_expired",
    "resume_run",
    "retry_run",
    "settle_follow_up",
    "submit_run",
]
