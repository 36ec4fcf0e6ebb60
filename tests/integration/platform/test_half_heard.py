"""A worker is stopped when one of two classifiers has spoken: nothing is lost or done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.classifiers.services import register_manifest
from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.scores import LabelScore
from earmark.jobs.services import (
    FoundAudio,
    JobResult,
    claim_jobs,
    complete_jobs,
    identify_jobs,
    submit_run,
)
from earmark.library.models import AudioFile
from earmark.library.services import Identity, register_library, scan_library
from earmark.writeback.models import WriteRequest
from earmark_workers.engine.messages import Classified, Hosted, Setup
from earmark_workers.engine.pool import WorkerPool
from earmark_workers.pipeline.classify import Classification
from earmark_workers.pipeline.run_tags import RunTags
from earmark_workers.pipeline.tagging import derive_backlog, list_files_due
from tests.bands_classifier import Bands, Endless
from tests.factories import FACTS, make_sound

pytestmark = pytest.mark.django_db(transaction=True)

MADE = (Bands, Endless)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    make_sound(tmp_path / "a.wav", seconds=1.0)
    library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    asked = submit_run(
        library=library,
        classifiers=[register_manifest(manifest=one.manifest) for one in MADE],
        options={"write": True, Run.FOLLOW_UP: True},
    )
    assert asked is not None
    return asked


def stop_when_one_has_spoken(run: Run) -> list[int]:
    """Return the files that count as classified."""
    hosted = [
        Hosted(one.manifest.identity, f"tests.bands_classifier:{one.__name__}") for one in MADE
    ]
    classifiers = list(run.classifiers.order_by("pk"))
    with WorkerPool(Setup(tuple(hosted)), 1) as pool:
        work = Classification(classifiers=classifiers, pool=pool, worker="w")
        work.fill()
        while True:
            events = pool.wait(work.timeout())
            classified = work.step(events).classified
            if any(isinstance(event, Classified) for event in events):
                return classified + work.stop().classified


def answer_for_the_other(run: Run) -> None:
    (job,) = claim_jobs(classifiers=list(run.classifiers.all()), worker="another", limit=9)
    audio = AudioFile.objects.get().audio_hash
    identify_jobs(found=[FoundAudio(job.claim, Identity(audio, 8000, job.size, job.mtime_ns))])
    said = [LabelScore(label.id, 0.9) for label in Bands.manifest.labels]
    complete_jobs(results=[JobResult(job.claim, said, FACTS)])


def test_what_was_said_is_kept_and_the_file_is_written_when_the_other_has_spoken_too(run: Run):
    assert stop_when_one_has_spoken(run) == [], "no tags follow from half of it"
    states = dict(Job.objects.values_list("classifier__name", "state"))
    assert states == {"bands": "succeeded", "endless": "queued"}
    file = AudioFile.objects.get()

    # Whoever goes on derives what is missing first, and writes nothing.
    tags = RunTags()
    rules = tags.rules_of(run)
    assert rules is not None
    assert derive_backlog(run.library, "", rules)
    tags.take([file.pk])
    assert not list_files_due(run.library, "", rules, run=run)
    assert not WriteRequest.objects.exists()

    answer_for_the_other(run)
    tags.take([file.pk])

    assert dict(Job.objects.values_list("classifier__name", "attempts")) == {
        "bands": 1,
        "endless": 2,
    }
    assert PredictionSet.objects.count() == 2
    assert list(list_files_due(run.library, "", rules, run=run)) == [file]
    assert WriteRequest.objects.count() == 1
