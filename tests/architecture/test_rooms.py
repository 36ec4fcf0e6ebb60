"""The plan of the code holds: rooms, import rules, what the web process may load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ["platform", "workers", "plugins/api", "plugins/builtin"]
MOST_LINES = 350

HEAVY = {"torch", "scipy", "librosa", "soundfile", "av", "soxr", "earmark_classifiers", "mutagen"}
"""What the web process must not load."""


def modules_loaded_by(code: str, data_dir: Path) -> set[str]:
    """Run code in a fresh interpreter and return the packages it has loaded."""
    tail = (
        "\nimport json, sys"
        "\nprint('LOADED', json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    environment = os.environ | {
        "EARMARK_DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "earmark.settings.single",
    }
    done = subprocess.run(
        [sys.executable, "-c", code + tail],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED "))
    return set(json.loads(line.removeprefix("LOADED ")))


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_no_source_root_is_a_package(root: str):
    assert (REPOSITORY / root).is_dir()
    assert not (REPOSITORY / root / "__init__.py").exists()


def test_pythons_own_platform_module_is_found_from_the_repository():
    done = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.system())"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == os.uname().sysname


def test_import_rules_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_web_process_loads_no_backend_and_no_audio_library(tmp_path: Path):
    code = """
import earmark.asgi
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from django.test import Client
client = Client(headers={"host": "localhost"})
client.force_login(User.objects.create_superuser("root"))
pages = ["", "library/library/", "library/library/add/", "classifiers/classifierversion/",
         "jobs/run/", "jobs/predictionset/", "tagging/tag/", "writeback/tagwrite/"]
for page in pages:
    response = client.get(f"/admin/{page}")
    assert response.status_code == 200, (page, response.status_code)
assert client.get("/api/v1/schema").status_code == 200  # has to load every view of the API
"""
    assert modules_loaded_by(code, tmp_path) & HEAVY == set()


def test_listing_the_plugins_loads_none_of_them(tmp_path: Path):
    code = """
from earmark.classifiers.registry import list_plugins
assert {plugin.name for plugin in list_plugins()} >= {"audioset"}
"""
    assert modules_loaded_by(code, tmp_path) & HEAVY == set()


def test_asking_the_plugins_what_they_are_loads_none_of_them_here(tmp_path: Path):
    code = """
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "classifiers"])
"""
    assert modules_loaded_by(code, tmp_path) & HEAVY == set()


def test_a_cheap_instance_of_the_builtin_classifier_loads_no_torch(tmp_path: Path):
    code = """
from earmark.classifiers.registry import get_plugin, make_classifier
assert make_classifier(get_plugin("audioset").target).manifest.labels
"""
    assert "torch" not in modules_loaded_by(code, tmp_path)


def test_modules_stay_short_enough_to_be_read():
    long = {
        str(path.relative_to(REPOSITORY)): lines
        for root in SOURCE_ROOTS
        for path in (REPOSITORY / root).rglob("*.py")
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_migration_says_what_it_does():
    migrations = (REPOSITORY / "platform/earmark").glob("*/migrations/0*.py")
    automatic = [path.name for path in migrations if "_auto_" in path.name]
    assert automatic == []
