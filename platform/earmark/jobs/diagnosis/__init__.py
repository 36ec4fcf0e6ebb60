"""Why the queue stands still: looks at everything that can hold it up, and says what to do."""

from earmark.jobs.diagnosis.findings import Finding
from earmark.jobs.diagnosis.looking import FURTHER, diagnose
from earmark.jobs.diagnosis.queues import how_to_start

__all__ = ["FURTHER", "Finding", "diagnose", "how_to_start"]
