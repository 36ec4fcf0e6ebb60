"""How many jobs a second can the database give out and take back: where is its limit?

    python bench/record_rates.py [--workers 1 2 4 8] [--jobs 20000]

Processes that claim jobs, tell whose audio it is and store results in batches of 64, as workers
do, without any sound: rows are made up, statements and transactions are the real ones. The
processor time of PostgreSQL's own processes for a job says how many one core of a database server
can bear, whatever the clients need. Each number of processes is a section of
``bench/results/record_rates.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
from celery_site import measured_site, require_postgres
from results_page import keep_section

from tests.celery_harness import Site

RESULTS = Path(__file__).parent / "results" / "record_rates.md"
BATCH = 64

PREPARE = """
import json, time
from django.utils import timezone
from earmark.classifiers.services import require_classifier
from earmark.jobs.services import submit_run
from earmark.library.models import AudioFile, Library
classifier = require_classifier(name="bands")
library = Library.objects.create(name="rates", root="/nowhere", root_key="/nowhere")
now = timezone.now()
AudioFile.objects.bulk_create(
    (AudioFile(library=library, path=f"{{n:07}}.wav", path_key=f"{{n:07}}.wav", size=n,
               mtime_ns=1, first_seen_at=now, last_seen_at=now) for n in range({jobs})),
    batch_size=1000)
begun = time.perf_counter()
submit_run(library=library, classifiers=[classifier])
print(json.dumps(time.perf_counter() - begun))
"""
WORK = """
import os, sys, time
import django
django.setup()
from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.scores import LabelScore
from earmark.jobs.services import FoundAudio, JobResult, claim_jobs, complete_jobs, identify_jobs
from earmark.library.services import AudioFacts, Identity
classifier = ClassifierVersion.objects.get(name="bands")
facts = AudioFacts(duration=1.0, sample_rate=8000, channels=1, container="wav", codec="pcm_s16")
timeline = os.urandom(1000)
claim_jobs(classifiers=[classifier], worker="warm", limit=0)
print("ready", flush=True)
sys.stdin.read()
while jobs := claim_jobs(classifiers=[classifier], worker=f"w{os.getpid()}", limit=%(batch)d):
    identify_jobs(found=[FoundAudio(
        job.claim, Identity(f"rates:{job.path}", 800, job.size, job.mtime_ns)) for job in jobs])
    complete_jobs(results=[JobResult(
        job.claim, [LabelScore(mid, 0.5) for mid, _ in classifier.labels], facts, timeline,
    ) for job in jobs])
"""


def server_seconds(url: str) -> float:
    """Return the processor seconds of all of PostgreSQL's processes so far."""
    with psycopg.connect(url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        server = backend.parent()
        assert server is not None
        times = [server.cpu_times(), *(child.cpu_times() for child in server.children())]
        ended = times[0].children_user + times[0].children_system
        return ended + sum(time.user + time.system for time in times)


def work(place: Site, processes: int) -> tuple[float, float]:
    """Let processes do all jobs; return the seconds and PostgreSQL's processor seconds."""
    environment = place.environment | {"DJANGO_SETTINGS_MODULE": "earmark.settings.single"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORK % {"batch": BATCH}],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    before, begun = server_seconds(place.extra["EARMARK_DATABASE_URL"]), time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    for process in started:
        if process.wait():
            raise SystemExit("a process failed; see above")
    took = time.perf_counter() - begun
    return took, server_seconds(place.extra["EARMARK_DATABASE_URL"]) - before


def measure(jobs: int, processes: int) -> list[str]:
    """Queue jobs and have them done; return the table."""
    with measured_site() as place:
        prepared = place.run("shell", "-v0", "-c", PREPARE.format(jobs=jobs), timeout=3600)
        if prepared.status:
            raise SystemExit(prepared.err)
        enqueuing = float(json.loads(prepared.out))
        took, server = work(place, processes)
        assert place.states() == {"succeeded": jobs}, place.states()
    return [
        "| | |",
        "|---|---:|",
        f"| enqueued per second | {jobs / enqueuing:,.0f} |",
        f"| claimed, identified and recorded per second | {jobs / took:,.0f} |",
        f"| cores that PostgreSQL used | {server / took:.2f} |",
        f"| jobs that one core of PostgreSQL bears per second | {jobs / server:,.0f} |",
    ]


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--jobs", type=int, default=20_000)
    options = parser.parse_args()
    require_postgres()
    for processes in options.workers:
        keep_section(
            RESULTS,
            head="Jobs given out and taken back",
            title=f"{processes} process{'es' * (processes != 1)}",
            lines=measure(options.jobs, processes),
        )


if __name__ == "__main__":
    main()
