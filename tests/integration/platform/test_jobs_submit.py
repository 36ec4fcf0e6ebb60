"""`earmark jobs submit` starts runs that workers take."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

from earmark.jobs.models import Job, Run
from earmark.library.models import Library
from earmark.library.services import register_library, scan_library
from tests.factories import make_sound
from tests.tag_harness import install_plugin

pytestmark = pytest.mark.django_db


def submit(*arguments: str) -> str:
    out = StringIO()
    call_command("jobs", "submit", "Foley", *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def foley(
    tmp_path: Path, data_dir: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Library:
    plugins = install_plugin(tmp_path / "plugins")
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setenv("PYTHONPATH", f"{plugins}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    settings.EARMARK_CLASSIFIER = "bands"
    for number, name in enumerate(("Doors/slam.wav", "Doors/creak.wav", "rain.wav")):
        make_sound(tmp_path / "Foley" / name, seed=number)
    library = register_library(root=tmp_path / "Foley", name="Foley", trusted=True)
    scan_library(library=library)
    return library


def test_a_library_is_submitted_with_the_default_classifier_and_its_tags_are_written(
    foley: Library,
):
    told = json.loads(submit("--json", "--priority", "5"))

    run = Run.objects.get(pk=told["run"])
    assert told["jobs"] == Job.objects.filter(run=run).count() == 3
    assert [one.name for one in run.classifiers.all()] == ["bands"]
    assert (run.priority, run.mode, run.options["write"]) == (5, "missing", True)
    assert run in Run.objects.to_follow_up()


def test_a_folder_is_named_from_the_root_or_by_its_whole_path(foley: Library):
    assert json.loads(submit("--folder", "Doors", "--dry-run", "--json")) == {"files": 2, "jobs": 2}
    whole = str(foley.location / "Doors" / "slam.wav")
    assert submit("--folder", whole, "--no-write", "--force").endswith("1 jobs queued")
    run = Run.objects.get()
    assert (run.under, run.mode, run.options["write"]) == ("Doors/slam.wav", "force", False)


def test_a_dry_run_stores_nothing(foley: Library):
    assert submit("--dry-run", "--query", "rain") == "1 files, 1 jobs; nothing was queued"
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--classifier", "nobody"],
        ["--folder", "Windows"],
        ["--folder", "/etc"],
        ["--query", 'tag:"open'],
    ],
)
def test_what_is_not_there_is_a_wrong_command_line(foley: Library, wrong: list[str]):
    with pytest.raises(CommandError) as caught:
        submit(*wrong)

    assert caught.value.returncode == 2
    assert not Run.objects.exists()
