"""Runs are started with chosen classifiers and steered on the admin pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from earmark.jobs.models import Job, Run
from earmark.library.models import Library
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
)

pytestmark = pytest.mark.django_db


def act(client: Client, action: str, run: Run) -> str:
    response = client.post(
        reverse("admin:jobs_run_changelist"),
        {"action": action, "_selected_action": [run.pk]},
        follow=True,
    )
    run.refresh_from_db()
    return response.content.decode()


def start(client: Client, library: Library, **values: object) -> str:
    response = client.post(
        reverse("admin:library_library_changelist"),
        {"action": "start_run_with", "_selected_action": [library.pk], **values},
        follow=True,
    )
    assert response.status_code == 200
    return response.content.decode()


def test_a_run_is_paused_resumed_and_cancelled(admin_client: Client):
    run = JobFactory().run

    assert "paused." in act(admin_client, "pause", run)
    assert run.paused_at is not None
    assert "paused already" in act(admin_client, "pause", run)
    assert "goes on." in act(admin_client, "resume", run)
    assert "was not paused" in act(admin_client, "resume", run)
    assert "1 jobs cancelled" in act(admin_client, "cancel", run)
    assert "was cancelled" in act(admin_client, "retry", run)


def test_failed_jobs_are_tried_again(admin_client: Client):
    job = JobFactory()
    Job.objects.update(state="failed", reason_code="x", finished_at=job.run.created_at)

    assert "1 jobs queued again" in act(admin_client, "retry", job.run)
    assert job.run.state == Run.State.RUNNING


def test_who_may_only_look_cannot_steer(client: Client):
    run = JobFactory().run
    user = User.objects.create_user("guest", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_run"))
    client.force_login(user)

    for action in ("pause", "resume", "cancel", "retry"):
        act(client, action, run)

    assert (run.state, run.paused_at) == (Run.State.QUEUED, None)


def test_a_run_is_started_with_chosen_classifiers_files_and_priority(admin_client: Client):
    library = LibraryFactory()
    for path in ("Rain/one.wav", "Rain/two.flac", "dog.wav"):
        AudioFileFactory(library=library, path=path, container=path[-4:].strip("."))
    wanted, other = ClassifierVersionFactory.create_batch(2)
    off = ClassifierVersionFactory(enabled=False)

    asked = start(admin_client, library)
    assert wanted.identity in asked
    assert off.identity not in asked

    values = {"mode": "force", "under": "Rain/", "query": "format:wav", "priority": 7, "start": "1"}
    page = start(admin_client, library, classifiers=[wanted.pk, other.pk], **values)

    assert "2 jobs for" in page
    run = Run.objects.get()
    assert (run.mode, run.under, run.priority) == ("force", "Rain", 7)
    assert run.selection == {"query": "format:wav"}
    assert run.options["write"] is False
    assert set(run.classifiers.all()) == {wanted, other}
    assert {job.file.path for job in run.jobs.all()} == {"Rain/one.wav"}


def test_a_query_nobody_understands_is_asked_for_again(admin_client: Client):
    library = LibraryFactory()
    classifier = ClassifierVersionFactory()
    values = {"mode": "missing", "query": "status:old", "priority": 0, "start": "1"}

    page = start(admin_client, library, classifiers=[classifier.pk], **values)

    assert "There is no status" in page
    assert not Run.objects.exists()
