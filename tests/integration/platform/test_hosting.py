"""Real worker processes do the jobs of two classifiers, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.classifiers.services import register_manifest
from earmark.jobs.models import Job, PredictionSet
from earmark.jobs.selectors import count_jobs, get_timeline
from earmark.jobs.services import submit_run
from earmark_workers.engine.messages import Hosted, Setup
from earmark_workers.engine.pool import WorkerPool
from earmark_workers.pipeline.classify import Classification
from tests.bands_classifier import Bands, Weightless
from tests.factories import AudioFileFactory, LibraryFactory, make_sound

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_file_gets_the_results_of_what_can_be_loaded_and_reasons_for_the_rest(
    tmp_path: Path,
):
    library = LibraryFactory(root=str(tmp_path))
    for number in range(3):
        made = make_sound(tmp_path / f"{number}.wav", seed=number, seconds=2.0)
        AudioFileFactory(library=library, path=made.name, size=made.stat().st_size)
    classifiers = [register_manifest(manifest=made.manifest) for made in (Bands, Weightless)]
    hosted = [
        Hosted(made.manifest.identity, f"tests.bands_classifier:{made.__name__}")
        for made in (Bands, Weightless)
    ]
    run = submit_run(library=library, classifiers=classifiers)
    assert run is not None

    with WorkerPool(Setup(tuple(hosted)), 1) as pool:
        work = Classification(classifiers=classifiers, pool=pool, worker="w", run=run)
        classified = []
        work.fill()
        while work.busy:
            classified += work.step(pool.wait(work.timeout())).classified
            work.fill()

    assert len(classified) == 3
    counts = count_jobs(run=run)
    assert (counts.succeeded, counts.failed, counts.total) == (3, 3, 6)
    failed = Job.objects.filter(run=run, state="failed").values_list("reason_code", "retryable")
    assert set(failed) == {("weights_missing", True)}
    (kept, *_) = PredictionSet.objects.all()
    timeline = get_timeline(classifier=classifiers[0], audio_hash=kept.audio_hash)
    assert timeline is not None
    assert timeline.ends.tolist() == [1.0, 2.0]
