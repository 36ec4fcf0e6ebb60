"""A worker process for the concurrency tests: claims until nothing is left, and tells what.

``claimer.py DATABASE CLASSIFIERS WORKER LIMIT [FINISH]``: prints one line ``job attempt`` per
claim. CLASSIFIERS are the keys of those it hosts, with commas between them.
With FINISH it does the jobs too, as a worker would.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings


def main(database: str, classifier_ids: list[int], worker: str, limit: int, finish: bool) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from earmark.classifiers.models import ClassifierVersion
    from earmark.jobs.services import claim_jobs
    from tests.factories import work_off

    classifiers = list(ClassifierVersion.objects.filter(pk__in=classifier_ids))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while claimed := claim_jobs(classifiers=classifiers, worker=worker, limit=limit):
        for job in claimed:
            sys.stdout.write(f"{job.job_id} {job.attempt}\n")
        if finish:
            work_off(claimed)


if __name__ == "__main__":
    name, classifiers, worker, limit, *rest = sys.argv[1:]
    main(name, [int(key) for key in classifiers.split(",")], worker, int(limit), bool(rest))
