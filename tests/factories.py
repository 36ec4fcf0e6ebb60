"""Makes rows for tests. Everything that a test does not name has a plain, valid value."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import factory
import numpy as np
import soundfile
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run
from earmark.jobs.scores import LabelScore
from earmark.jobs.services import (
    ClaimedJob,
    Completion,
    FoundAudio,
    Identification,
    JobResult,
    claim_jobs,
    complete_jobs,
    identify_jobs,
    submit_run,
)
from earmark.library.models import AudioFile, Library
from earmark.library.paths import path_key
from earmark.library.services import AudioFacts, Identity, register_library, scan_library

LABELS = [["/m/05zppz", "Male speech, man speaking"], ["/m/0bt9lr", "Dog"], ["/m/06_fw", "Bell"]]
FACTS = AudioFacts(duration=1.0, sample_rate=8000, channels=1, container="wav", codec="pcm_s16le")


class LibraryFactory(factory.django.DjangoModelFactory[Library]):
    """A library whose folder need not exist."""

    class Meta:
        model = Library

    name = factory.Sequence(lambda n: f"Library {n}")
    root = factory.Sequence(lambda n: f"/nowhere/{n}")
    root_key = factory.LazyAttribute(lambda row: path_key(row.root))


class AudioFileFactory(factory.django.DjangoModelFactory[AudioFile]):
    """A present file that nobody has read yet."""

    class Meta:
        model = AudioFile

    library = factory.SubFactory(LibraryFactory)
    path = factory.Sequence(lambda n: f"sound {n:05}.wav")
    path_key = factory.LazyAttribute(lambda row: path_key(row.path))
    size = 16_044
    mtime_ns = 1_700_000_000_000_000_000
    first_seen_at = factory.LazyFunction(timezone.now)
    last_seen_at = factory.LazyFunction(timezone.now)


class ClassifierVersionFactory(factory.django.DjangoModelFactory[ClassifierVersion]):
    """A classifier with three labels, installed and switched on."""

    class Meta:
        model = ClassifierVersion

    name = factory.Sequence(lambda n: f"listener-{n}")
    version = "1.0.0"
    labels = LABELS
    sample_rate = 8000


class RunFactory(factory.django.DjangoModelFactory[Run]):
    """A run without jobs."""

    class Meta:
        model = Run

    library = factory.SubFactory(LibraryFactory)


class JobFactory(factory.django.DjangoModelFactory[Job]):
    """A queued job, alone in its run."""

    class Meta:
        model = Job

    run = factory.SubFactory(RunFactory)
    classifier = factory.SubFactory(ClassifierVersionFactory)
    file = factory.SubFactory(AudioFileFactory, library=factory.SelfAttribute("..run.library"))


def make_sound(path: Path, seed: int = 0, seconds: float = 0.05) -> Path:
    """Write a small WAV file of noise and return its path; equal seeds give equal audio."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(scale=0.1, size=int(seconds * 8000))
    with path.open("wb") as file:
        soundfile.write(file, noise, 8000, format="WAV")
    return path


def identity_of(job: ClaimedJob) -> Identity:
    """Return an identity made from the bytes of the job's file, or of its path if there is none.

    The real one (`earmark_files.identity`) has its own tests; any function of the audio will do.
    """
    content = job.location.read_bytes() if job.location.exists() else os.fsencode(job.location)
    return Identity(f"test:{hashlib.md5(content).hexdigest()}", 800, job.size, job.mtime_ns)


def identify(jobs: list[ClaimedJob], audio: str | None = None) -> list[Identification]:
    """Tell the platform which audio jobs hold; with `audio`, all hold the same."""
    return identify_jobs(
        found=[
            FoundAudio(
                job.claim,
                Identity(audio, 800, job.size, job.mtime_ns) if audio else identity_of(job),
            )
            for job in jobs
        ]
    )


def result_of(job: ClaimedJob, *scores: float) -> JobResult:
    """Return a result that gives the labels of `LABELS` these scores."""
    pairs = zip(LABELS, scores or (0.9, 0.1, 0.05), strict=False)
    return JobResult(job.claim, [LabelScore(mid, score) for (mid, _), score in pairs], FACTS)


def work_off(jobs: list[ClaimedJob], *scores: float) -> Completion:
    """Do jobs as a worker would: identify, then classify what needs it."""
    verdicts = {told.claim: told.verdict for told in identify(jobs)}
    todo = [job for job in jobs if verdicts[job.claim] == "classify"]
    return complete_jobs(results=[result_of(job, *scores) for job in todo])


def make_classified_library(
    root: Path, classifier: ClassifierVersion, *names: str, scores: tuple[float, ...]
) -> Library:
    """Register a folder with small sounds, each of its own, and let the classifier say `scores`."""
    for seed, name in enumerate(names):
        make_sound(root / name, seed=seed)
    library = register_library(root=root, trusted=True)
    scan_library(library=library)
    submit_run(library=library, classifiers=[classifier])
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=len(names)), *scores)
    return library


def expire(job: ClaimedJob) -> None:
    """Let the lease of a job run out."""
    past = timezone.now() - timedelta(minutes=5)
    Job.objects.filter(pk=job.job_id).update(lease_until=past)
