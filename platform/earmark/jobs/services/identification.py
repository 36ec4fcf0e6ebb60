"""Decide what to do with a claimed job once its audio is known.

This is where moves are recognised, and where the work on equal audio is done once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now

from earmark.core.deadlocks import again_after_deadlock
from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.services.events import record_events, reused_events
from earmark.jobs.services.fencing import Claim, finish_reused, lock_audio, lock_claimed
from earmark.jobs.services.runs import close_finished_runs
from earmark.library.services import Identity, identify_files


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


@dataclass(frozen=True)
class _Known:
    """What the database says about the audio of a batch, by audio hash and classifier.

    Attributes
    ----------
    results : set
        Audio that has a result.
    leaders : dict
        The job that is working on the audio; jobs of the batch are added as they are decided.
    """

    results: set[tuple[str, int]]
    leaders: dict[tuple[str, int], Job]


@again_after_deadlock
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
        hashes = {job_id: by_job[job_id].identity.audio_hash for job_id in jobs}
        told = {job.file_id: by_job[job_id].identity for job_id, job in jobs.items()}
        rows = identify_files(found=told)
        for job in jobs.values():
            job.file_id = rows[job.file_id]
        # Only now: what was recorded above makes running jobs of others leaders, too.
        known = _what_is_known(hashes.values(), jobs)
        verdicts = {job_id: _decide(job, hashes[job_id], known) for job_id, job in jobs.items()}
        record_events(
            reused_events(job for job in jobs.values() if job.state == Job.State.SUCCEEDED)
        )
    close_finished_runs(
        run_ids={job.run_id for job in jobs.values() if job.state == Job.State.SUCCEEDED}
    )
    return [_answer(audio.claim, jobs, verdicts) for audio in found]


def _answer(
    claim: Claim, jobs: Mapping[int, Job], verdicts: Mapping[int, Verdict]
) -> Identification:
    if claim.job_id not in jobs:
        return Identification(claim, Verdict.LOST, 0)
    return Identification(claim, verdicts[claim.job_id], jobs[claim.job_id].file_id)


def _what_is_known(hashes: Collection[str], jobs: Mapping[int, Job]) -> _Known:
    """Ask about all audio at once: two questions for each file are most of a small file's cost."""
    classifiers = {job.classifier_id for job in jobs.values()}
    results = PredictionSet.objects.filter(audio_hash__in=hashes, classifier__in=classifiers)
    running = (
        Job.objects.running()
        .filter(file__audio_hash__in=hashes, classifier__in=classifiers, lease_until__gt=Now())
        .exclude(pk__in=jobs)
        .select_related("file")
        .order_by("-pk")
    )
    return _Known(
        results=set(results.values_list("audio_hash", "classifier_id")),
        leaders={(job.file.audio_hash, job.classifier_id): job for job in running},
    )


def _decide(job: Job, audio_hash: str, known: _Known) -> Verdict:
    key = (audio_hash, job.classifier_id)
    if job.run.mode != Run.Mode.FORCE and key in known.results:
        _reuse(job, audio_hash)
        return Verdict.REUSED
    if key in known.leaders:
        _follow(job, known.leaders[key])
        return Verdict.WAITS
    known.leaders[key] = job
    return Verdict.CLASSIFY


def _reuse(job: Job, audio_hash: str) -> None:
    """Finish the job with the result its audio has."""
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


def _follow(job: Job, leader: Job) -> None:
    """Queue the job behind the one that is working on equal audio."""
    job.state = Job.State.QUEUED
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.QUEUED, worker="", lease_until=None, started_at=None, waits_for=leader
    )
