"""The sections "Runs and jobs" and "Watching" of docs/operations.md are true as they stand."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

import earmark.jobs.diagnosis
import earmark.writeback.watching
from earmark.jobs.metrics import JobCollector
from earmark.jobs.models import Job
from earmark.library.paths import path_key
from earmark.writeback.watching import WriteCollector
from tests.factories import AudioFileFactory, JobFactory
from tests.tag_harness import REPOSITORY, install_plugin

PAGE = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


def commands(name: str) -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", section(name), re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


@pytest.fixture
def bands(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a classifier that runs can be started with."""
    plugins = install_plugin(tmp_path / "plugins")
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setenv("PYTHONPATH", f"{plugins}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    settings.EARMARK_CLASSIFIER = "bands"


@pytest.mark.django_db
def test_every_command_does_what_it_says(tmp_path: Path, data_dir: Path, bands: None):
    root = str(tmp_path)
    values = {"name": "Foley", "root": root, "root_key": path_key(root)}
    job = JobFactory(run__pk=7, **{f"run__library__{key}": value for key, value in values.items()})
    AudioFileFactory(library=job.run.library, path="Doors/slam.wav")
    words = commands("Runs and jobs")
    assert len(words) >= 9
    for program, command, *rest in words:
        assert (program, command) == ("earmark", "jobs")
        call_command("jobs", *rest)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    for _, command, *rest in commands("Watching"):
        try:
            call_command(command, *rest)
        except CommandError as error:
            assert error.returncode == 1


def test_the_page_names_every_finding_of_the_doctor():
    folder = Path(earmark.jobs.diagnosis.__file__).parent
    modules = [*folder.glob("*.py"), Path(earmark.writeback.watching.__file__)]
    source = "".join(path.read_text() for path in modules)
    codes = set(re.findall(r'Finding\(\s*"(\w+)"', source))
    assert len(codes) >= 12
    assert codes == {
        code
        for row in re.findall(r"^\| (`[a-z_`, ]+) \|", section("Watching"), re.MULTILINE)
        for code in re.findall(r"`([a-z_]+)`", row)
        if not code.startswith("earmark_")
    }


@pytest.mark.django_db
def test_the_page_names_every_metric():
    text = section("Watching").replace(
        "`..._total_bytes`", "`earmark_worker_device_memory_total_bytes`"
    )
    for metric in [*JobCollector().collect(), *WriteCollector().collect()]:
        assert f"`{metric.name}`" in text
