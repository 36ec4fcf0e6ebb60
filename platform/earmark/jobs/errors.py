"""What can go wrong with runs and jobs."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class JobError(EarmarkError):
    """Base of this app's errors."""

    code = "job_error"


class UnknownLabelError(JobError):
    """A prediction names a label the classifier version does not have."""

    code = "unknown_label"
    hint = "The plugin changed its labels without changing its version; tell its authors."


class UnidentifiedAudioError(JobError):
    """A result came for a file whose audio identity is not known."""

    code = "unidentified_audio"
    hint = "Call identify_jobs before complete_jobs."


class RunCancelledError(JobError):
    """Somebody wants to go on with a run that was cancelled."""

    code = "run_cancelled"
    status = 409
    hint = "Submit a new run: it does what is still missing."


class RunUnknownError(JobError):
    """There is no run of that number."""

    code = "run_unknown"
    status = 404
    hint = "`earmark jobs status` lists the runs."


class SelectionError(JobError):
    """A query that cannot be understood, or files that cannot be taken together."""

    code = "selection_invalid"
