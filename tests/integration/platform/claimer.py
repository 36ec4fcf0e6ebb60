"""A worker process for the concurrency tests: claims until nothing is left, and tells what.

``claimer.py DATABASE CLASSIFIER WORKER LIMIT [FINISH]``: prints one line ``job attempt`` per
claim. With FINISH it does the jobs too, as a worker would.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings


def main(database: str, classifier_id: int, worker: str, limit: int, finish: bool) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from earmark.classifiers.models import ClassifierVersion
    from earmark.jobs.services import claim_jobs
    from tests.factories import work_off

    classifier = ClassifierVersion.objects.get(pk=classifier_id)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while claimed := claim_jobs(classifier=classifier, worker=worker, limit=limit):
        for job in claimed:
            sys.stdout.write(f"{job.job_id} {job.attempt}\n")
        if finish:
            work_off(claimed)


if __name__ == "__main__":
    name, classifier, worker, limit, *rest = sys.argv[1:]
    main(name, int(classifier), worker, int(limit), bool(rest))
