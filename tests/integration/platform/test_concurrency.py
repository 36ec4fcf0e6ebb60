"""Several processes work on one database at once. Nothing here is simulated."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.selectors import count_jobs
from earmark.jobs.services import submit_run
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    LibraryFactory,
    RunFactory,
    make_sound,
)

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]


def start(
    classifier: ClassifierVersion | list[ClassifierVersion], worker: str, *arguments: str
) -> subprocess.Popen[str]:
    hosted = classifier if isinstance(classifier, list) else [classifier]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "earmark.settings.test",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, str(HERE / "claimer.py"), str(connection.settings_dict["NAME"])]
    return subprocess.Popen(
        [*command, ",".join(str(one.pk) for one in hosted), worker, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_together(processes: list[subprocess.Popen[str]]) -> list[tuple[int, int]]:
    """Let processes begin at one moment and return every (job, attempt) they claimed."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claims = []
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        claims += [tuple(map(int, line.split())) for line in output.splitlines()]
    return claims


def test_no_job_is_given_to_two_of_many_processes():
    classifier = ClassifierVersionFactory()
    run = RunFactory()
    files = AudioFileFactory.create_batch(400, library=run.library)
    Job.objects.bulk_create(Job(run=run, classifier=classifier, file=file) for file in files)

    claims = run_together([start(classifier, f"worker {n}", "7") for n in range(4)])

    assert len(claims) == 400
    assert set(Counter(claims).values()) == {1}
    assert {attempt for _, attempt in claims} == {1}
    assert Job.objects.running().filter(run=run).count() == 400


def test_workers_that_host_different_classifiers_share_files_but_no_job():
    both = ClassifierVersionFactory.create_batch(2)
    library = LibraryFactory()
    AudioFileFactory.create_batch(200, library=library)
    run = submit_run(library=library, classifiers=both)
    assert run is not None

    hosts = [both, both, both[:1], both[1:]]
    claims = run_together([start(hosted, f"worker {n}", "7") for n, hosted in enumerate(hosts)])

    assert len(claims) == 400
    assert set(Counter(claims).values()) == {1}
    assert count_jobs(run=run).running == 400
    for n, hosted in enumerate(hosts[2:], start=2):
        held = Job.objects.running().filter(worker=f"worker {n}")
        assert set(held.values_list("classifier", flat=True)) <= {one.pk for one in hosted}


def test_two_runs_over_the_same_files_do_the_work_once_in_effect(tmp_path: Path):
    library = LibraryFactory(root=str(tmp_path))
    classifier = ClassifierVersionFactory()
    files = [
        AudioFileFactory(library=library, path=make_sound(tmp_path / f"{n}.wav", seed=n // 2).name)
        for n in range(40)
    ]
    runs = RunFactory.create_batch(2, library=library)
    for run in runs:
        Job.objects.bulk_create(Job(run=run, classifier=classifier, file=file) for file in files)

    run_together([start(classifier, f"worker {n}", "5", "finish") for n in range(3)])

    for run in runs:
        assert count_jobs(run=run).succeeded == 40
        run.refresh_from_db()
        assert run.state == Run.State.FINISHED
    assert PredictionSet.objects.count() == 20
    classified = Job.objects.filter(reused_from=None, reason_code="")
    assert classified.count() == 20
