"""Store what came out of a job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.core.deadlocks import again_after_deadlock
from earmark.core.text import to_storable
from earmark.jobs.errors import UnidentifiedAudioError
from earmark.jobs.models import Job, PredictionFailure, PredictionSet, Run, RunEvent
from earmark.jobs.scores import LabelScore, pack_scores
from earmark.jobs.services.backoff import QUARANTINED, delay_after
from earmark.jobs.services.events import record_events, reused_events
from earmark.jobs.services.fencing import Claim, finish, finish_reused, lock_audio, lock_claimed
from earmark.jobs.services.runs import close_finished_runs
from earmark.library.services import AudioFacts, mark_failed, mark_missing, record_facts
from earmark_files.errors import ReadErrorCode

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JobResult:
    """What a worker found out in a job.

    Attributes
    ----------
    claim : Claim
    scores : sequence of LabelScore
        All of them, or at least every one that matters; see `earmark.jobs.scores.pack_scores`
        for those that are kept.
    facts : AudioFacts
        What decoding told about the file.
    timeline : bytes, optional
        The scores of its windows; see `earmark.jobs.timeline`.
    embedding : bytes, optional
        Of the whole sound; see `earmark.jobs.models.PredictionSet`.
    """

    claim: Claim
    scores: Sequence[LabelScore]
    facts: AudioFacts
    timeline: bytes | None = None
    embedding: bytes | None = None


@dataclass(frozen=True)
class Completion:
    """What became of results.

    Attributes
    ----------
    accepted : list of int
        Jobs that have succeeded with their result.
    refused : list of int
        Jobs whose claim was lost; nothing was stored for them.
    followers : list of int
        Further jobs, on equal audio, that have succeeded with the same results.
    """

    accepted: list[int]
    refused: list[int]
    followers: list[int]


@again_after_deadlock
def complete_jobs(*, results: Sequence[JobResult]) -> Completion:
    """Store the results of claimed jobs, all or none, and finish them.

    A result whose claim was lost is refused; the others are not concerned. Jobs that wait on
    equal audio succeed with them.

    Raises
    ------
    UnidentifiedAudioError
        If the audio of a file is not known; see `identify_jobs`.
    UnknownLabelError
        If a score's label is not in the classifier's vocabulary.
    """
    by_job = {result.claim.job_id: result for result in results}
    claims = [result.claim for result in results]
    files = Job.objects.filter(pk__in=by_job).values_list("file__audio_hash", flat=True)
    with transaction.atomic():
        lock_audio(files)
        jobs = lock_claimed(claims)
        _store_predictions([(job, by_job[pk]) for pk, job in jobs.items()])
        record_facts(facts={job.file_id: by_job[pk].facts for pk, job in jobs.items()})
        finish(Job.objects.filter(pk__in=jobs), Job.State.SUCCEEDED)
        followers = _finish_followers(jobs.values())
        record_events([*_stored(jobs.values(), by_job), *reused_events(followers)])
    runs = {job.run_id for job in (*jobs.values(), *followers)}
    close_finished_runs(run_ids=runs)
    return Completion(
        accepted=sorted(jobs),
        refused=sorted(pk for pk in by_job if pk not in jobs),
        followers=sorted(job.pk for job in followers),
    )


def fail_job(
    *, claim: Claim, code: str, message: str, retryable: bool = False, file_fault: bool = True
) -> bool:
    """Finish a claimed job as failed; return False if the claim was lost.

    If the reason may pass and the job has tries left, it is queued again for later instead.

    Parameters
    ----------
    claim : Claim
    code, message : str
        The reason: stable name, and sentence for people.
    retryable : bool
        Whether the same may succeed later although nobody changed the file. If not, and the
        classifier is to blame, this version of it leaves this audio alone from now on.
    file_fault : bool
        Whether the file is to blame. It is then marked as failed (as missing for
        ``file_not_found``) and left alone until it changes.
    """
    with transaction.atomic():
        job = lock_claimed([claim]).get(claim.job_id)
        if job is None:
            return False
        rows = Job.objects.filter(pk=job.pk)
        tries = job.tries + retryable
        again = retryable and code not in QUARANTINED and tries < job.run.max_tries
        if again:
            _delay(rows, tries, code, message)
        else:
            finish(rows, Job.State.FAILED, code=code, message=message, retryable=retryable)
            rows.update(tries=tries)
            _blame(job, code, message, retryable=retryable, file_fault=file_fault)
        kind = RunEvent.Kind.DELAYED if again else RunEvent.Kind.FAILED
        said = {"job": job.pk, "file": job.file_id, "code": code, "message": to_storable(message)}
        record_events([RunEvent(run_id=job.run_id, kind=kind, jobs=1, payload=said)])
    log.info("job_failed", run=job.run_id, job=job.pk, file=job.file_id, code=code, again=again)
    if not again:
        close_finished_runs(run_ids={job.run_id})
    return True


def _stored(jobs: Iterable[Job], by_job: Mapping[int, JobResult]) -> list[RunEvent]:
    """Tell each run how many of its jobs have succeeded, and how much sound that was."""
    events: dict[int, RunEvent] = {}
    for job in jobs:
        fresh = RunEvent(run_id=job.run_id, kind=RunEvent.Kind.SUCCEEDED, audio_seconds=0.0)
        event = events.setdefault(job.run_id, fresh)
        event.jobs += 1
        event.audio_seconds += by_job[job.pk].facts.duration
    return list(events.values())


def _delay(jobs: QuerySet[Job], tries: int, code: str, message: str) -> None:
    """Queue a job again for a later time; it keeps the reason why it waits."""
    base = timedelta(seconds=settings.EARMARK_JOB_RETRY_SECONDS)
    jobs.update(
        state=Job.State.QUEUED,
        reason_code=code,
        reason_message=to_storable(message),
        tries=tries,
        not_before=Now() + delay_after(tries=tries, base=base),
        worker="",
        lease_until=None,
        started_at=None,
    )


def _blame(job: Job, code: str, message: str, *, retryable: bool, file_fault: bool) -> None:
    """Note what is at fault, so that later runs leave alone what would fail again."""
    if code == ReadErrorCode.FILE_NOT_FOUND:
        mark_missing(file_id=job.file_id)
    elif file_fault:
        mark_failed(file_id=job.file_id, code=code, message=message, retryable=retryable)
    elif not retryable and job.file.audio_hash:
        PredictionFailure.objects.update_or_create(
            classifier_id=job.classifier_id,
            audio_hash=job.file.audio_hash,
            defaults={"code": code, "message": to_storable(message)},
        )


def _store_predictions(done: Sequence[tuple[Job, JobResult]]) -> None:
    classifiers = ClassifierVersion.objects.in_bulk({job.classifier_id for job, _ in done})
    now = timezone.now()
    sets: dict[tuple[int, str], PredictionSet] = {}
    for job, result in done:
        if not job.file.audio_hash:
            raise UnidentifiedAudioError(f"The audio of file {job.file_id} is not known.")
        positions = classifiers[job.classifier_id].label_positions
        # Two jobs of one call may be about equal audio: a row can be upserted only once.
        sets[job.classifier_id, job.file.audio_hash] = PredictionSet(
            classifier_id=job.classifier_id,
            audio_hash=job.file.audio_hash,
            scores=pack_scores(result.scores, positions),
            timeline=result.timeline,
            embedding=result.embedding,
            created_at=now,
        )
    PredictionSet.objects.bulk_create(
        sets.values(),
        update_conflicts=True,
        unique_fields=["audio_hash", "classifier"],
        update_fields=["scores", "timeline", "embedding", "created_at"],
    )
    PredictionFailure.objects.filter(
        classifier__in={classifier_id for classifier_id, _ in sets},
        audio_hash__in={audio_hash for _, audio_hash in sets},
    ).delete()


def _finish_followers(leaders: Collection[Job]) -> list[Job]:
    """Finish the queued jobs that the new results answer too."""
    if not leaders:
        return []
    by_audio = {(job.classifier_id, job.file.audio_hash): job for job in leaders}
    same_audio = Q(
        file__audio_hash__in={audio_hash for _, audio_hash in by_audio},
        run__mode=Run.Mode.MISSING,
    )
    waiting = Job.objects.queued().filter(Q(waits_for__in=leaders) | same_audio)
    rows = waiting.select_for_update(of=("self",)).select_related("file").order_by("pk")
    finished = []
    for job in rows:
        leader = by_audio.get((job.classifier_id, job.file.audio_hash))
        if leader is not None:
            finish_reused(Job.objects.filter(pk=job.pk), leader)
            finished.append(job)
    return finished
