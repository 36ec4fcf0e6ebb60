"""docs/settings.md says what the code reads, no more and no less."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(EARMARK_[A-Z_]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
TOOLS_ONLY = {"EARMARK_PYTHON"}

NEEDED = {
    "EARMARK_SECRET_KEY": "Vq3-x9_rT7mKz2Lw8Jd4" * 3,
    "EARMARK_ALLOWED_HOSTS": "earmark.example",
    "EARMARK_DATABASE_URL": "postgresql://user:pass%20word@db.example:5433/ear?sslmode=require",
}


def run(settings: str, code: str, data_dir: Path, **variables: str) -> subprocess.CompletedProcess:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", f"import json\nimport earmark.settings.{settings} as s\n{code}"],
        env=clean | {"EARMARK_DATA_DIR": str(data_dir)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Every variable the settings read, with its default and meaning."""
    code = (
        "from earmark.settings.env import VARIABLES\n"
        "print(json.dumps({v.name: [v.default, v.meaning] for v in VARIABLES.values()}))"
    )
    found: dict[str, tuple[str, str]] = {}
    for settings in ("single", "dev", "production", "test"):
        done = run(settings, code, tmp_path_factory.mktemp("var"), **NEEDED)
        assert done.returncode == 0, done.stderr
        for name, (default, meaning) in json.loads(done.stdout).items():
            assert found.setdefault(name, (default, meaning)) == (default, meaning)
    return found


def test_the_page_lists_what_the_settings_read(declared: dict[str, tuple[str, str]]):
    written = {name: (default, meaning) for name, default, meaning in ROW.findall(PAGE)}
    for name in TOOLS_ONLY:
        written.pop(name)
    assert written == declared


def test_nothing_else_reads_the_environment_for_settings():
    reading = re.compile(r"environ(?:\.get\(|\[)\s*[\"'](EARMARK_[A-Z_]+)")
    places = {
        path.relative_to(REPOSITORY): names
        for root in ("platform", "workers", "plugins")
        for path in (REPOSITORY / root).rglob("*.py")
        if (names := reading.findall(path.read_text(encoding="utf-8")))
    }
    assert places == {}


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_production_does_not_start_without_its_secrets(missing: str, tmp_path: Path):
    given = {name: value for name, value in NEEDED.items() if name != missing}

    done = run("production", "", tmp_path, **given)

    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


def test_the_production_settings_pass_djangos_own_check(tmp_path: Path):
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'earmark.settings.production'\n"
        "from django.core.management import execute_from_command_line as execute\n"
        "execute(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
    )
    done = run("production", code, tmp_path, **NEEDED)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_database_url_is_understood(tmp_path: Path):
    done = run("production", "print(json.dumps(s.DATABASES['default']))", tmp_path, **NEEDED)

    database = json.loads(done.stdout)
    assert (database["NAME"], database["HOST"], database["PORT"]) == ("ear", "db.example", "5433")
    assert (database["USER"], database["PASSWORD"]) == ("user", "pass word")
    assert database["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EARMARK_DATABASE_URL", "mysql://host/x", "looks like postgresql://"),
        ("EARMARK_LOG_JSON", "maybe", "write on or off"),
        ("EARMARK_JOB_LEASE_SECONDS", "-3", "whole number"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_words(
    name: str, value: str, words: str, tmp_path: Path
):
    done = run("single", "", tmp_path, **{name: value})

    assert done.returncode != 0
    assert words in done.stderr


def test_the_secret_key_is_made_once_and_is_nobody_elses_business(tmp_path: Path):
    keys = {run("single", "print(s.SECRET_KEY)", tmp_path).stdout for _ in range(2)}
    other = run("single", "print(s.SECRET_KEY)", tmp_path / "other").stdout

    assert len(keys) == 1
    assert len(keys.pop().strip()) > 60
    assert other not in keys
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "secret" in path.name] == ["secret_key"]


def test_processes_that_start_together_agree_on_the_secret_key(tmp_path: Path):
    code = "import earmark.settings.single as s; print(s.SECRET_KEY)"
    environment = os.environ | {"EARMARK_DATA_DIR": str(tmp_path / "new")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    done = run("single", "", tmp_path / "file")

    assert done.returncode != 0
    assert "Set EARMARK_DATA_DIR to a folder you may write to" in done.stderr
