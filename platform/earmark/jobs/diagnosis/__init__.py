"""Why the queue stands still: looks at everything that can hold it up, and says what to do."""

from earmark.jobs.diagnosis.findings import Finding
from earmark.jobs.diagnosis.looking import diagnose

__all__ = ["Finding", "diagnose"]
