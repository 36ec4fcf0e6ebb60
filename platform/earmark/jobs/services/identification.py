"""Decide what to do with a claimed job once its audio is known.

This is where moves are recognised, and where the work on equal audio is done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now

from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.services.fencing import Claim, finish_reused, lock_audio, lock_claimed
from earmark.jobs.services.runs import close_finished_runs
from earmark.library.services import Identity, identify_file


class Verdict(StrEnum):
    """What the worker shall do with the job."""

    CLASSIFY = "classify"
    """Decode and classify it."""
    REUSED = "reused"
    """Nothing: it has succeeded with the result this audio has already."""
    WAITS = "waits"
    """Nothing: equal audio is being classified; the job is queued again and follows that."""
    LOST = "lost"
    """Nothing: the claim is somebody else's by now."""


@dataclass(frozen=True)
class FoundAudio:
    """The audio a worker found in the file of a job it holds."""

    claim: Claim
    identity: Identity


@dataclass(frozen=True)
class Identification:
    """What became of a job when its audio was known.

    Attributes
    ----------
    claim : Claim
    verdict : Verdict
    file_id : int
        The row that stands for the file now: another one than before if the file was recognised
        as one that moved. 0 if the claim was lost.
    """

    claim: Claim
    verdict: Verdict
    file_id: int


def identify_jobs(*, found: Sequence[FoundAudio]) -> list[Identification]:
    """Record the audio of claimed jobs and say, for each, what to do.

    Returns
    -------
    list of Identification
        In the order of `found`.
    """
    with transaction.atomic():
        lock_audio(audio.identity.audio_hash for audio in found)
        jobs = lock_claimed([audio.claim for audio in found])
        by_job = {audio.claim.job_id: audio for audio in found}
        answers = {job_id: _decide(by_job[job_id], job) for job_id, job in jobs.items()}
    close_finished_runs(
        run_ids={job.run_id for job in jobs.values() if job.state == Job.State.SUCCEEDED}
    )
    return [
        answers.get(audio.claim.job_id, Identification(audio.claim, Verdict.LOST, 0))
        for audio in found
    ]


def _decide(audio: FoundAudio, job: Job) -> Identification:
    file = identify_file(file_id=job.file_id, identity=audio.identity)
    job.file_id = file.pk
    verdict = Verdict.CLASSIFY
    if job.run.mode != Run.Mode.FORCE and _reuse(job, audio.identity.audio_hash):
        verdict = Verdict.REUSED
    elif _follow(job, audio.identity.audio_hash):
        verdict = Verdict.WAITS
    return Identification(audio.claim, verdict, file.pk)


def _reuse(job: Job, audio_hash: str) -> bool:
    """Finish the job if its audio has a result of this classifier version."""
    known = PredictionSet.objects.filter(audio_hash=audio_hash, classifier=job.classifier_id)
    if not known.exists():
        return False
    source = (
        Job.objects.filter(
            file__audio_hash=audio_hash,
            classifier=job.classifier_id,
            state=Job.State.SUCCEEDED,
            reused_from=None,
        )
        .exclude(pk=job.pk)
        .order_by("-pk")
        .first()
    )
    finish_reused(Job.objects.filter(pk=job.pk), source)
    job.state = Job.State.SUCCEEDED
    return True


def _follow(job: Job, audio_hash: str) -> bool:
    """Queue the job behind one that is working on equal audio, if there is one."""
    leader = (
        Job.objects.running()
        .filter(file__audio_hash=audio_hash, classifier=job.classifier_id)
        .filter(lease_until__gt=Now())
        .exclude(pk=job.pk)
        .first()
    )
    if leader is None:
        return False
    job.state = Job.State.QUEUED
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.QUEUED, worker="", lease_until=None, started_at=None, waits_for=leader
    )
    return True
