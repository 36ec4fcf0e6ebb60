"""Claim jobs, have them computed by the worker pool, and store what comes back.

The same code serves `tag` and `work`: whoever calls it drives it step by step and may do other
things (write tags) in between.
"""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Sequence

import structlog
from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Run
from earmark.jobs.services import (
    Claim,
    ClaimedJob,
    FoundAudio,
    Verdict,
    abort_run,
    by_file,
    claim_jobs,
    complete_jobs,
    fail_job,
    identify_jobs,
    release_jobs,
    renew_leases,
)
from earmark.library.models import AudioFile
from earmark.library.services import Identity
from earmark_workers.engine.messages import Advanced, Classified, Failed, Identified, LoadFailed
from earmark_workers.engine.pool import Event, WorkerPool
from earmark_workers.pipeline.held import HeldFile, Step, job_result
from earmark_workers.pipeline.shared_runs import abort_waiting

log = structlog.get_logger(__name__)

CLAIM_AHEAD = 64
"""Files claimed at once for each worker process."""

COMMIT_EVERY = 64
COMMIT_AFTER_S = 1.0
"""Results are stored when there are so many, or when the oldest has waited so long."""


ASK_AGAIN_S = 1.0
"""Where no job was free, the next question waits so long; one is asked as soon as work runs out."""


class Classification:
    """Jobs of some classifiers on their way through a pool.

    Parameters
    ----------
    classifiers : sequence of ClassifierVersion
        Those the pool hosts.
    pool : WorkerPool
    worker : str
        Name under which jobs are claimed; see `earmark_workers.pipeline.naming`.
    run : Run, optional
        Only jobs of this run; by default of any.
    """

    def __init__(
        self,
        *,
        classifiers: Sequence[ClassifierVersion],
        pool: WorkerPool,
        worker: str,
        run: Run | None = None,
    ) -> None:
        self._classifiers = {classifier.identity: classifier for classifier in classifiers}
        self._identities = {classifier.pk: classifier.identity for classifier in classifiers}
        self._usable = list(classifiers)
        self._unusable: list[LoadFailed] = []
        self._pool = pool
        self._worker = worker
        self._run = run
        self._tasks = itertools.count(1)
        self._held: dict[int, HeldFile] = {}
        self._waiting: deque[HeldFile] = deque()
        self._finished: list[HeldFile] = []
        self._since = math.inf  # when the oldest result came
        self._renew_at = time.monotonic() + self._renew_s
        self._ask_at = -math.inf
        self._out_of_work = False  # nothing is held, and no job was free when last asked

    @property
    def busy(self) -> bool:
        """Whether any claimed job is unfinished."""
        return bool(self._held)

    def look_again(self) -> None:
        """Ask for jobs at once: somebody has said that there are some."""
        self._ask_at = -math.inf

    def fill(self) -> None:
        """Claim jobs and hand their files to the pool, as far as there is room."""
        while self._pool.has_room:
            if not self._waiting:
                self._waiting.extend(self._claim())
            if not self._waiting:
                return
            file = self._waiting.popleft()
            jobs = list(file.jobs.values())
            if not jobs:
                continue  # all leases were lost meanwhile
            alone = any(job.lost_leases for job in jobs)
            self._pool.submit(
                file.task, str(jobs[0].location), file.size, [*file.jobs], alone=alone
            )

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
            elif isinstance(event, Classified):
                self._take(event, step)
            elif isinstance(event, Failed):
                self._fail(event, step)
            elif isinstance(event, LoadFailed):
                self._give_up(event)
        if self._due():
            self._store(step)
        if time.monotonic() >= self._renew_at:
            self._renew()
        return step

    def stop_claiming(self) -> None:
        """Give back what no process has begun; further steps finish the rest."""
        files, self._waiting = list(self._waiting), deque()
        claims = [job.claim for file in files for job in file.jobs.values()]
        release_jobs(claims=claims, worker=self._worker)
        for file in files:
            self._held.pop(file.task, None)

    def stop(self) -> Step:
        """Store the results so far and give the other jobs back."""
        step = Step()
        self._store(step)
        claims = [job.claim for file in self._held.values() for job in file.jobs.values()]
        release_jobs(claims=claims, worker=self._worker)
        # What one classifier has found out is kept, but the file waits for the others.
        self._finished = [file for file in self._held.values() if file.results]
        self._store(Step())
        self._held.clear()
        self._waiting.clear()
        return step

    @property
    def _renew_s(self) -> float:
        return settings.EARMARK_JOB_LEASE_SECONDS / 3

    def _claim(self) -> list[HeldFile]:
        now = time.monotonic()
        if not self._usable or (now < self._ask_at and (self._held or self._out_of_work)):
            return []
        claimed = claim_jobs(
            classifiers=self._usable,
            worker=self._worker,
            limit=CLAIM_AHEAD * self._pool.size,
            run=self._run,
        )
        files = [self._to_file(jobs) for jobs in by_file(claimed)]
        self._held |= {file.task: file for file in files}
        self._out_of_work = not self._held
        if not files:
            self._ask_at = now + ASK_AGAIN_S
            self._fail_unusable()  # what others gave back since
        return files

    def _to_file(self, jobs: Sequence[ClaimedJob]) -> HeldFile:
        named = {self._identities[job.classifier_id]: job for job in jobs}
        return HeldFile(next(self._tasks), jobs[0].file_id, jobs[0].size, named)

    def _due(self) -> bool:
        if not self._finished:
            return False
        return (
            len(self._finished) >= COMMIT_EVERY
            or time.monotonic() >= self._since + COMMIT_AFTER_S
            or not self._pool.busy
        )

    def _identify(self, events: Sequence[Identified], step: Step) -> None:
        """Tell which audio files hold; every question of the pool is answered, also a late one."""
        found: list[FoundAudio] = []
        jobs: dict[Claim, tuple[int, str]] = {}
        proceed: dict[int, list[str]] = {event.task: [] for event in events}
        for event in events:
            identity = Identity(event.identity, event.audio_bytes, event.size, event.mtime_ns)
            file = self._held.get(event.task)
            for classifier in event.classifiers:
                job = file.jobs.get(classifier) if file is not None else None
                if job is not None:
                    found.append(FoundAudio(job.claim, identity))
                    jobs[job.claim] = (event.task, classifier)
        for answer in identify_jobs(found=found):
            task, classifier = jobs[answer.claim]
            file = self._held[task]
            if answer.verdict is Verdict.CLASSIFY:
                proceed[task].append(classifier)
            else:
                del file.jobs[classifier]
                file.reused |= answer.verdict is Verdict.REUSED
            if answer.verdict is not Verdict.LOST:
                file.file_id = answer.file_id
        for task, classifiers in proceed.items():
            self._pool.answer(task, proceed=classifiers)
            self._finish_if_done(task, step)

    def _take(self, event: Classified, step: Step) -> None:
        file = self._held.get(event.task)
        job = file.jobs.pop(event.classifier, None) if file is not None else None
        if file is not None and job is not None:
            file.results.append((job, event))
            self._finish_if_done(event.task, step)

    def _fail(self, event: Failed, step: Step) -> None:
        file = self._held.get(event.task)
        if file is None:
            return
        for classifier in [event.classifier] if event.classifier else list(file.jobs):
            job = file.jobs.pop(classifier, None)
            if job is not None:
                file.failed |= fail_job(
                    claim=job.claim,
                    code=event.code,
                    message=event.message,
                    retryable=event.retryable,
                    file_fault=event.file_fault,
                )
        self._finish_if_done(event.task, step)

    def _give_up(self, event: LoadFailed) -> None:
        """Take no more jobs of a classifier that cannot be loaded, and fail those that wait."""
        log.error("classifier_unusable", classifier=event.classifier, code=event.code)
        self._usable = [one for one in self._usable if one.identity != event.classifier]
        self._unusable.append(event)
        self._fail_unusable()

    def _fail_unusable(self) -> None:
        for event in self._unusable:
            classifier = self._classifiers[event.classifier]
            if self._run is None:
                abort_waiting(classifier, code=event.code, message=event.message)
                continue
            abort_run(run=self._run, code=event.code, message=event.message, classifier=classifier)

    def _finish_if_done(self, task: int, step: Step) -> None:
        """Count a file that is over, or queue it to be stored; nothing for one that goes on."""
        file = self._held.get(task)
        if file is None or file.jobs:
            return
        if file.results:
            if file not in self._finished:
                self._since = min(self._since, time.monotonic())
                self._finished.append(file)
            return
        del self._held[task]
        self._count(file, step, classified=file.reused)

    def _count(self, file: HeldFile, step: Step, *, classified: bool) -> None:
        if classified:
            step.classified.append(file.file_id)
        elif file.failed:
            step.failed.append(file.file_id)
        else:
            return  # its jobs are somebody else's by now
        step.size += file.size

    def _store(self, step: Step) -> None:
        files, self._finished, self._since = self._finished, [], math.inf
        results = [
            job_result(job, event, self._classifiers[event.classifier].label_list)
            for file in files
            for job, event in file.results
        ]
        if not results:
            return
        completion = complete_jobs(results=results)
        accepted = set(completion.accepted)
        for file in files:
            self._held.pop(file.task, None)
            stored = any(job.job_id in accepted for job, _ in file.results)
            self._count(file, step, classified=stored or file.reused)
        followers = AudioFile.objects.filter(jobs__in=completion.followers).distinct()
        for file_id, size in followers.values_list("pk", "size"):
            step.classified.append(file_id)
            step.size += size
        if completion.refused:
            log.warning("results_refused", jobs=completion.refused)

    def _renew(self) -> None:
        self._renew_at = time.monotonic() + self._renew_s
        claims = [claim for file in self._held.values() for claim in file.claims]
        lost = set(renew_leases(claims=claims, worker=self._worker))
        for file in [*self._held.values()] if lost else []:
            for job in file.jobs.values():
                if job.claim in lost:
                    log.warning("lease_lost", run=job.run_id, job=job.job_id, file=job.file_id)
            file.jobs = {name: job for name, job in file.jobs.items() if job.claim not in lost}
            if not file.jobs and not file.results:
                del self._held[file.task]
            elif not file.jobs and file not in self._finished:
                self._finished.append(file)
