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
