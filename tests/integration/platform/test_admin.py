"""The admin pages, asked for as a browser would."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from earmark.jobs.models import Run
from earmark.jobs.services import claim_jobs, close_finished_runs
from earmark.library.models import AudioFile, Library, Scan
from earmark.library.services import register_library, run_next_scan, scan_library
from earmark.tagging.models import Tag
from earmark.tagging.rules import Rules
from earmark.tagging.selectors import get_policy
from earmark.tagging.services import derive_file_tags
from earmark.writeback.models import TagWrite
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from tests.factories import ClassifierVersionFactory, make_sound, work_off

pytestmark = pytest.mark.django_db

PAGES = [
    *("library_library", "library_audiofile", "library_scan", "classifiers_classifierversion"),
    *("jobs_run", "jobs_job", "jobs_predictionset", "tagging_tag", "tagging_policychange"),
    *("jobs_runevent", "jobs_worker", "writeback_tagwrite", "auth_user"),
]


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.EARMARK_LIBRARY_ROOTS = [tmp_path]
    make_sound(tmp_path / "sounds/caf\udce9 <b>.wav")
    return tmp_path / "sounds"


@pytest.fixture
def full(folder: Path) -> Library:
    """A library with something on every page."""
    library = register_library(root=folder)
    scan_library(library=library)
    classifier = ClassifierVersionFactory(name="audioset")
    run = Run.objects.create(library=library)
    file = AudioFile.objects.get()
    run.jobs.create(file=file, classifier=classifier)
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=1), 0.9, 0.4, 0.2)
    files = AudioFile.objects.all()
    derive_file_tags(files=files, rules=Rules((classifier,), get_policy(library=library)))
    write = begin_write(file_id=file.pk, tags_key="k", plan={"<script>": "a\x00b\udcff"})
    outcome = WriteOutcome(TagWrite.State.REFUSED, code="malformed_file", message="No.")
    record_write(write_id=write.pk, outcome=outcome)
    Scan.objects.create(library=library)
    return library


def post_action(client: Client, library: Library, action: str) -> str:
    address = reverse("admin:library_library_changelist")
    response = client.post(
        address, {"action": action, "_selected_action": [library.pk]}, follow=True
    )
    assert response.status_code == 200
    return response.content.decode()


def test_a_library_is_registered_by_its_folder(admin_client: Client, folder: Path):
    address = reverse("admin:library_library_add")

    response = admin_client.post(address, {"folder": f" {folder} ", "name": ""}, follow=True)

    assert response.status_code == 200
    library = Library.objects.get()
    assert (library.name, library.location) == ("sounds", folder)


@pytest.mark.parametrize(
    ("folder_name", "words"),
    [
        ("/etc", "lies outside the folders where libraries may be"),
        ("{root}/none", "is not a folder that can be read"),
        ("{root}/sounds/../../..", "lies outside"),
    ],
)
def test_a_folder_that_cannot_be_a_library_is_refused_with_the_reason(
    admin_client: Client, folder: Path, folder_name: str, words: str
):
    address = reverse("admin:library_library_add")

    response = admin_client.post(address, {"folder": folder_name.format(root=folder.parent)})

    assert words in response.content.decode()
    assert not Library.objects.exists()


def test_a_library_is_registered_once(admin_client: Client, folder: Path):
    register_library(root=folder)

    response = admin_client.post(reverse("admin:library_library_add"), {"folder": str(folder)})

    assert "belongs to the library" in response.content.decode()


def test_a_library_can_be_renamed_but_not_moved(admin_client: Client, full: Library):
    address = reverse("admin:library_library_change", args=[full.pk])

    admin_client.post(address, {"name": "Foley", "folder": "/etc", "root": "/etc"})

    after = Library.objects.get()
    assert (after.name, after.root) == ("Foley", full.root)


def test_a_library_is_not_removed_here(admin_client: Client, full: Library):
    address = reverse("admin:library_library_delete", args=[full.pk])
    assert admin_client.post(address, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in post_action(admin_client, full, "delete_selected")
    assert Library.objects.filter(pk=full.pk).exists()


def test_a_scan_started_here_is_done_by_a_worker(admin_client: Client, folder: Path):
    library = register_library(root=folder)

    page = post_action(admin_client, library, "scan_now")

    assert "is queued" in page
    assert "make up" in page
    assert Scan.objects.get().requested_by == User.objects.get()
    done = run_next_scan(worker="w")
    assert done is not None
    assert done.added == 1


@pytest.mark.parametrize(
    ("action", "write"), [("start_run", True), ("start_run_without_writing", False)]
)
def test_a_run_started_here_waits_for_a_worker(
    admin_client: Client, folder: Path, action: str, write: bool
):
    library = register_library(root=folder)
    scan_library(library=library)
    classifier = ClassifierVersionFactory(name="audioset")

    page = post_action(admin_client, library, action)

    assert "1 jobs for audioset@1.0.0" in page
    run = Run.objects.get()
    assert run.options["write"] is write
    assert run.requested_by == User.objects.get()
    assert len(claim_jobs(classifiers=[classifier], worker="w", limit=5)) == 1


def test_a_run_with_nothing_to_do_says_so(admin_client: Client, full: Library, tmp_path: Path):
    assert "every file that can be read has a result" in post_action(
        admin_client, full, "start_run_without_writing"
    )
    (tmp_path / "other").mkdir()
    fresh = register_library(root=tmp_path / "other")
    assert "has not been scanned" in post_action(admin_client, fresh, "start_run")


def test_a_run_that_writes_is_kept_though_all_is_classified_for_tags_may_be_unwritten(
    admin_client: Client, full: Library
):
    Library.objects.update(last_scan_at=timezone.now())

    assert "0 jobs for" in post_action(admin_client, full, "start_run")

    run = Run.objects.first()
    assert run is not None
    assert close_finished_runs() == 0
    assert close_finished_runs(run_ids=[run.pk], even_empty=True) == 1


def test_without_a_classifier_a_run_is_refused_with_the_reason(admin_client: Client, folder: Path):
    library = register_library(root=folder)

    page = post_action(admin_client, library, "start_run")

    assert "cannot be used now" in page
    assert not Run.objects.exists()


def test_a_run_can_be_cancelled(admin_client: Client, folder: Path):
    library = register_library(root=folder)
    scan_library(library=library)
    ClassifierVersionFactory(name="audioset")
    post_action(admin_client, library, "start_run")
    run = Run.objects.get()

    address = reverse("admin:jobs_run_changelist")
    admin_client.post(address, {"action": "cancel", "_selected_action": [run.pk]})

    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED


@pytest.mark.parametrize("page", PAGES)
def test_every_list_and_every_row_can_be_looked_at(admin_client: Client, full: Library, page: str):
    response = admin_client.get(reverse(f"admin:{page}_changelist"), {"q": "a"}, follow=True)
    assert response.status_code == 200
    listing = admin_client.get(reverse(f"admin:{page}_changelist"))
    model = listing.context["cl"].model
    for row in model.objects.all():
        detail = admin_client.get(reverse(f"admin:{page}_change", args=[row.pk]))
        assert detail.status_code == 200
        assert "<b>.wav" not in detail.content.decode()
        assert '<script>"' not in detail.content.decode()


@pytest.mark.parametrize("page", ["library_audiofile", "jobs_job", "tagging_tag"])
def test_results_cannot_be_edited(admin_client: Client, full: Library, page: str):
    assert admin_client.get(reverse(f"admin:{page}_add")).status_code == 403
    row = {"library_audiofile": AudioFile, "jobs_job": Run, "tagging_tag": Tag}[
        page
    ].objects.first()
    assert row is not None
    response = admin_client.post(reverse(f"admin:{page}_change", args=[row.pk]), {"name": "x"})
    assert response.status_code in {403, 302}


def test_a_file_leads_to_its_tags_jobs_predictions_and_writes(admin_client: Client, full: Library):
    file = AudioFile.objects.get()
    page = admin_client.get(reverse("admin:library_audiofile_change", args=[file.pk]))

    for name, filters in (
        ("tagging_tag", f"file__id__exact={file.pk}"),
        ("jobs_job", f"file__id__exact={file.pk}"),
        ("writeback_tagwrite", f"file__id__exact={file.pk}"),
        ("jobs_predictionset", "audio_hash="),
    ):
        address = f"{reverse(f'admin:{name}_changelist')}?{filters}"
        assert address in page.content.decode()
        listing = admin_client.get(address.split("audio_hash")[0], follow=True)
        assert listing.context["cl"].result_count >= 1


def test_strangers_see_only_the_login_page(client: Client, full: Library):
    for page in PAGES:
        response = client.get(reverse(f"admin:{page}_changelist"))
        assert response.status_code == 302
        assert "login" in response["Location"]


def test_the_number_of_queries_does_not_grow_with_the_number_of_files(
    admin_client: Client, full: Library, django_assert_max_num_queries
):
    for number in range(30):
        make_sound(full.location / f"{number}.wav", seed=number)
    scan_library(library=full)

    with django_assert_max_num_queries(25):
        assert admin_client.get(reverse("admin:library_audiofile_changelist")).status_code == 200
