"""Runs of several classifiers: what is queued for each, and what is kept of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.jobs.models import PredictionFailure, Run
from earmark.jobs.selectors import get_embeddings, get_timeline
from earmark.jobs.services import claim_jobs, complete_jobs, fail_job, submit_run
from earmark.jobs.timeline import pack_timeline
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    identify,
    result_of,
    work_off,
)

pytestmark = pytest.mark.django_db


def test_what_a_classifier_cannot_do_is_left_out_until_it_is_forced_or_mended():
    library = LibraryFactory()
    version, mended = ClassifierVersionFactory.create_batch(2)
    AudioFileFactory(library=library)
    submit_run(library=library, classifiers=[version])
    (job,) = claim_jobs(classifiers=[version], worker="w", limit=9)
    identify([job])
    fail_job(claim=job.claim, code="classifier_crashed", message="Shapes.", file_fault=False)

    assert submit_run(library=library, classifiers=[version]) is None
    assert submit_run(library=library, classifiers=[mended]) is not None
    assert submit_run(library=library, classifiers=[version], mode=Run.Mode.FORCE) is not None
    work_off(claim_jobs(classifiers=[version], worker="w", limit=9))
    assert not PredictionFailure.objects.exists()


def test_a_failure_that_may_pass_is_tried_again_by_the_next_run():
    library = LibraryFactory()
    classifier = ClassifierVersionFactory()
    AudioFileFactory(library=library)
    submit_run(library=library, classifiers=[classifier])
    (job,) = claim_jobs(classifiers=[classifier], worker="w", limit=9)
    identify([job])
    fail_job(claim=job.claim, code="worker_died", message=".", retryable=True, file_fault=False)

    assert submit_run(library=library, classifiers=[classifier]) is not None


def test_a_run_queues_for_each_file_only_the_classifiers_it_lacks():
    library = LibraryFactory()
    first, second = ClassifierVersionFactory.create_batch(2)
    for path in ("a.wav", "b.wav", "c.wav"):
        AudioFileFactory(library=library, path=path)
    submit_run(library=library, classifiers=[first], under="b.wav")
    work_off(claim_jobs(classifiers=[first], worker="w", limit=9))

    run = submit_run(library=library, classifiers=[first, second], limit=2)

    assert run is not None
    jobs = run.jobs.order_by("pk").values_list("file__path", "classifier")
    assert list(jobs) == [("a.wav", first.pk), ("a.wav", second.pk), ("b.wav", second.pk)]


def test_timeline_and_embedding_are_kept_with_the_scores():
    job = JobFactory()
    (claimed,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    identify([claimed], audio="test:1")
    embedding = np.asarray([0.6, 0.8], "<f2")
    timeline = pack_timeline([[0.1, 0.9, 0.0]], [(0.0, 1.0)])

    complete_jobs(
        results=[
            replace(result_of(claimed), timeline=timeline, embedding=embedding.tobytes()),
        ]
    )

    kept = get_timeline(classifier=job.classifier, audio_hash="test:1")
    assert kept is not None
    assert kept.positions.tolist() == [0, 1]
    (vector,) = get_embeddings(classifier=job.classifier, audio_hashes=["test:1", "?"]).values()
    assert vector.tolist() == pytest.approx([0.6, 0.8], abs=1e-3)
    assert get_timeline(classifier=job.classifier, audio_hash="?") is None


def test_two_classifiers_of_a_moved_file_keep_its_row():
    classifiers = ClassifierVersionFactory.create_batch(2)
    library = LibraryFactory()
    old = AudioFileFactory(library=library, state="missing", audio_hash="test:1")
    AudioFileFactory(library=library, path="moved.wav")
    submit_run(library=library, classifiers=classifiers)

    found = identify(claim_jobs(classifiers=classifiers, worker="w", limit=9), audio="test:1")

    assert [(answer.verdict, answer.file_id) for answer in found] == [("classify", old.pk)] * 2
