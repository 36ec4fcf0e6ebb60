"""Runs, their jobs, what the classifiers said, and who works."""

from earmark.jobs.models.jobs import Job, JobQuerySet
from earmark.jobs.models.predictions import PredictionFailure, PredictionSet
from earmark.jobs.models.runs import Run, RunEvent, RunQuerySet
from earmark.jobs.models.workers import Worker

__all__ = [
    "Job",
    "JobQuerySet",
    "PredictionFailure",
    "PredictionSet",
    "Run",
    "RunEvent",
    "RunQuerySet",
    "Worker",
]
