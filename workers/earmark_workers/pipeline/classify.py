"""Claim jobs, have them computed by the worker pool, and store what comes back.

The same code serves `tag` and `work`: whoever calls it drives it step by step and may do other
things (write tags) in between.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Run
from earmark.jobs.scores import KEPT_AT_MOST, LabelScore
from earmark.jobs.services import (
    ClaimedJob,
    FoundAudio,
    JobResult,
    Verdict,
    claim_jobs,
    complete_jobs,
    fail_job,
    identify_jobs,
    release_jobs,
    renew_leases,
)
from earmark.library.models import AudioFile
from earmark.library.services import AudioFacts, Identity
from earmark_workers.engine.messages import Advanced, Classified, Failed, Identified
from earmark_workers.engine.pool import Event, WorkerPool

log = structlog.get_logger(__name__)

CLAIM_AHEAD = 64
"""Jobs claimed at once for each worker process."""

COMMIT_EVERY = 64
COMMIT_AFTER_S = 1.0
"""Results are stored when there are so many, or when the oldest has waited so long."""


ASK_AGAIN_S = 1.0
"""Where no job was free, the next question waits so long; one is asked as soon as work runs out."""


@dataclass
class Step:
    """What one step brought about; everything in it is stored already.

    Attributes
    ----------
    classified : list of int
        Files that have scores now, by a worker or because equal audio had them.
    failed : list of int
        Files whose job has failed; the file's row or the job says why.
    size : int
        Bytes of all these files.
    seconds : float
        Sound decoded during the step.
    """

    classified: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0


class Classification:
    """Jobs of one classifier on their way through a pool.

    Parameters
    ----------
    classifier : ClassifierVersion
    pool : WorkerPool
        Already told which classifier to load.
    worker : str
        Name under which jobs are claimed; see `earmark_workers.pipeline.naming`.
    run : Run, optional
        Only jobs of this run; by default of any.
    """

    def __init__(
        self,
        *,
        classifier: ClassifierVersion,
        pool: WorkerPool,
        worker: str,
        run: Run | None = None,
    ) -> None:
        self._classifier = classifier
        self._labels = classifier.label_list
        self._pool = pool
        self._worker = worker
        self._run = run
        self._held: dict[int, ClaimedJob] = {}
        self._files: dict[int, int] = {}  # the row that stands for a job's file, once identified
        self._waiting: deque[ClaimedJob] = deque()
        self._results: list[Classified] = []
        self._since = math.inf  # when the oldest result came
        self._renew_at = time.monotonic() + self._renew_s
        self._ask_at = -math.inf
        self._out_of_work = False  # nothing is held, and no job was free when last asked

    @property
    def busy(self) -> bool:
        """Whether any claimed job is unfinished."""
        return bool(self._held)

    def fill(self) -> None:
        """Claim jobs and hand them to the pool, as far as there is room."""
        while self._pool.has_room:
            if not self._waiting:
                self._waiting.extend(self._claim())
            if not self._waiting:
                return
            job = self._waiting.popleft()
            self._pool.submit(job.job_id, str(job.location), job.size, alone=job.lost_leases > 0)

    def timeout(self) -> float:
        """Return for how many seconds one may wait for the pool before the next `step`."""
        due = min(self._since + COMMIT_AFTER_S, self._renew_at)
        return max(0.0, due - time.monotonic())

    def step(self, events: Sequence[Event]) -> Step:
        """Take in what the pool has said and store what is due."""
        step = Step()
        found = [event for event in events if isinstance(event, Identified)]
        if found:
            self._identify(found, step)
        for event in events:
            if isinstance(event, Advanced):
                step.seconds += event.seconds
            elif isinstance(event, Classified) and event.task in self._held:
                self._since = min(self._since, time.monotonic())
                self._results.append(event)
            elif isinstance(event, Failed) and event.task in self._held:
                self._fail(event, step)
        if self._due():
            self._store(step)
        if time.monotonic() >= self._renew_at:
            self._renew()
        return step

    def stop(self) -> Step:
        """Store the results so far and give the other jobs back."""
        step = Step()
        self._store(step)
        claims = [job.claim for job in self._held.values()]
        release_jobs(claims=claims, worker=self._worker)
        self._held.clear()
        self._waiting.clear()
        return step

    @property
    def _renew_s(self) -> float:
        return settings.EARMARK_JOB_LEASE_SECONDS / 3

    def _claim(self) -> list[ClaimedJob]:
        now = time.monotonic()
        if now < self._ask_at and (self._held or self._out_of_work):
            return []
        claimed = claim_jobs(
            classifiers=[self._classifier],
            worker=self._worker,
            limit=CLAIM_AHEAD * self._pool.size,
            run=self._run,
        )
        self._held |= {job.job_id: job for job in claimed}
        self._out_of_work = not self._held
        if not claimed:
            self._ask_at = now + ASK_AGAIN_S
        return claimed

    def _due(self) -> bool:
        if not self._results:
            return False
        return (
            len(self._results) >= COMMIT_EVERY
            or time.monotonic() >= self._since + COMMIT_AFTER_S
            or not self._pool.busy
        )

    def _identify(self, events: Sequence[Identified], step: Step) -> None:
        found = [
            FoundAudio(
                self._held[event.task].claim,
                Identity(event.identity, event.audio_bytes, event.size, event.mtime_ns),
            )
            for event in events
            if event.task in self._held
        ]
        for answer in identify_jobs(found=found):
            job = self._held[answer.claim.job_id]
            self._files[job.job_id] = answer.file_id
            self._pool.answer(job.job_id, proceed=answer.verdict is Verdict.CLASSIFY)
            if answer.verdict is Verdict.REUSED:
                step.classified.append(answer.file_id)
                step.size += job.size
            if answer.verdict is not Verdict.CLASSIFY:
                del self._held[job.job_id]

    def _fail(self, event: Failed, step: Step) -> None:
        job = self._held.pop(event.task)
        file_id = self._files.pop(event.task, job.file_id)
        if fail_job(
            claim=job.claim,
            code=event.code,
            message=event.message,
            retryable=event.retryable,
            file_fault=event.file_fault,
        ):
            step.failed.append(file_id)
            step.size += job.size

    def _store(self, step: Step) -> None:
        results, self._results, self._since = self._results, [], math.inf
        if not results:
            return
        jobs = {result.task: self._held.pop(result.task) for result in results}
        completion = complete_jobs(
            results=[self._to_result(jobs[result.task], result) for result in results]
        )
        for job_id in completion.accepted:
            step.classified.append(self._files.pop(job_id, jobs[job_id].file_id))
            step.size += jobs[job_id].size
        followers = AudioFile.objects.filter(jobs__in=completion.followers).distinct()
        for file_id, size in followers.values_list("pk", "size"):
            step.classified.append(file_id)
            step.size += size
        if completion.refused:
            log.warning("results_refused", jobs=completion.refused)

    def _to_result(self, job: ClaimedJob, result: Classified) -> JobResult:
        scores = result.scores
        best = np.argsort(-scores, kind="stable")[:KEPT_AT_MOST]
        return JobResult(
            claim=job.claim,
            scores=[
                LabelScore(
                    self._labels[at].id,
                    float(scores[at]),
                    float(result.starts[at]),
                    float(result.ends[at]),
                )
                for at in best
            ],
            facts=AudioFacts(
                duration=result.duration,
                sample_rate=result.sample_rate,
                channels=result.channels,
                container=result.container,
                codec=result.codec,
            ),
        )

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        claims = [job.claim for job in self._held.values()]
        for claim in renew_leases(claims=claims, worker=self._worker):
            log.warning("lease_lost", job=claim.job_id)
            self._held.pop(claim.job_id, None)
