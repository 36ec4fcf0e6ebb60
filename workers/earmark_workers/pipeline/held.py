"""Files in the hands of this process, and what a step of the work has brought about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from earmark.jobs.scores import KEPT_AT_MOST, LabelScore
from earmark.jobs.services import Claim, ClaimedJob, JobResult
from earmark.library.services import AudioFacts
from earmark_plugin_api import Label
from earmark_workers.engine.messages import Classified


@dataclass(eq=False)
class HeldFile:
    """A file whose jobs are on their way, as one task of the pool.

    Attributes
    ----------
    task : int
        Its number in the pool.
    file_id : int
        The row that stands for it, as far as is known.
    size : int
    jobs : dict
        Those that have not ended, by identity of their classifier.
    results : list
        Jobs that have a result. All of a file are stored together, so that no tags follow from
        half of what a run finds out.
    reused, failed : bool
        Whether a job has ended with a result that was known already, or has failed.
    """

    task: int
    file_id: int
    size: int
    jobs: dict[str, ClaimedJob]
    results: list[tuple[ClaimedJob, Classified]] = field(default_factory=list)
    reused: bool = False
    failed: bool = False

    @property
    def claims(self) -> list[Claim]:
        """Of the jobs that are not stored as ended."""
        return [job.claim for job in (*self.jobs.values(), *(job for job, _ in self.results))]


@dataclass
class Step:
    """What one step brought about; everything in it is stored already.

    A file is in it once every claimed job of it has ended.

    Attributes
    ----------
    classified : list of int
        Files that have new scores, by a worker or because equal audio had them.
    failed : list of int
        Files without any new score, all of whose jobs have failed; the rows say why.
    size : int
        Bytes of all these files.
    seconds : float
        Sound decoded during the step.
    """

    classified: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0


def job_result(job: ClaimedJob, event: Classified, labels: Sequence[Label]) -> JobResult:
    """Turn what a worker process said into what is stored."""
    scores = event.scores
    best = np.argsort(-scores, kind="stable")[:KEPT_AT_MOST]
    return JobResult(
        claim=job.claim,
        scores=[
            LabelScore(
                labels[at].id, float(scores[at]), float(event.starts[at]), float(event.ends[at])
            )
            for at in best
        ],
        facts=AudioFacts(
            duration=event.duration,
            sample_rate=event.sample_rate,
            channels=event.channels,
            container=event.container,
            codec=event.codec,
        ),
        timeline=event.timeline,
        embedding=event.embedding,
    )
