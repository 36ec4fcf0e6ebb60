"""Drives classification and writing until there is nothing left, or somebody wants to stop."""

from __future__ import annotations

import select
from collections.abc import Iterator
from dataclasses import dataclass, field

from earmark.jobs.models import Job, Run
from earmark_workers.engine.pool import WorkerPool
from earmark_workers.pipeline.classify import Classification
from earmark_workers.pipeline.held import Step
from earmark_workers.pipeline.recovery import release_lost_jobs
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.writing import Writing, Written

OTHERS_S = 1.0
"""How often to look whether another process has finished what this run waits for."""


@dataclass(frozen=True)
class Turn:
    """What happened since the last one; all of it is stored."""

    step: Step = field(default_factory=Step)
    written: list[Written] = field(default_factory=list)


@dataclass
class Loop:
    """One run's work.

    Parameters
    ----------
    stop : StopRequest
        Entered.
    writing : Writing
    run : Run, optional
        Without one there is only writing to do.
    pool, classification : optional
        Both, if there is a run.
    """

    stop: StopRequest
    writing: Writing
    run: Run | None = None
    pool: WorkerPool | None = None
    classification: Classification | None = None

    def turns(self) -> Iterator[Turn]:
        """Work; yields after everything that was stored. The caller may add orders meanwhile."""
        while not self.stop.asked:
            # First of all: orders the caller has just added must not wait for the next ring.
            written = self.writing.step()
            if written:
                yield Turn(written=written)
                continue
            if self.classification is not None:
                self.classification.fill()
            if not self._busy():
                if not self._others_busy():
                    return
                self._wait_for_ring(OTHERS_S)
                release_lost_jobs()  # else this run would wait for ever for one that has died
                continue
            yield Turn(self._wait())
        yield self._end()

    def _busy(self) -> bool:
        classifying = self.classification is not None and self.classification.busy
        return classifying or self.writing.busy

    def _others_busy(self) -> bool:
        """Whether jobs of this run wait for equal audio in the hands of another process."""
        return self.run is not None and Job.objects.unfinished().filter(run=self.run).exists()

    def _wait(self) -> Step:
        """Wait until a worker, a writing thread or a person has something to say."""
        if self.pool is None or self.classification is None:
            self._wait_for_ring(None)
            return Step()
        events = self.pool.wait(self.classification.timeout(), also=[self.stop.wake])
        self.stop.quiet()
        return self.classification.step(events)

    def _wait_for_ring(self, timeout: float | None) -> None:
        select.select([self.stop.wake], [], [], timeout)
        self.stop.quiet()

    def _end(self) -> Turn:
        """Keep what is finished, give the rest back."""
        step = self.classification.stop() if self.classification is not None else Step()
        return Turn(step, self.writing.stop())
