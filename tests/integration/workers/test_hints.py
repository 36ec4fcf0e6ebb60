"""Hints reach the workers' queues, and nobody suffers where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers import Redis, free_port
from tests.tag_harness import Installation, install_plugin, sine

SUBMIT = """
from earmark.classifiers.services import require_classifier
from earmark.jobs.services import submit_run
from earmark.library.services import register_library, scan_library
from pathlib import Path
library = register_library(root=Path({root!r}), trusted=True)
scan_library(library=library)
submit_run(library=library, classifiers=[require_classifier(name="bands")])
print("celery" in sys.modules)
"""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "data", install_plugin(tmp_path / "plugins"))
    made.extra["EARMARK_SETTLE_SECONDS"] = "0"
    assert made.run("migrate", "-v0").status == 0
    (tmp_path / "sounds").mkdir()
    sine(tmp_path / "sounds" / "tone.wav")
    return made


def submit(installation: Installation, tmp_path: Path) -> tuple[bool, str]:
    """Submit a run; return whether Celery was imported for it, and what was logged."""
    done = installation.run("shell", "-v0", "-c", SUBMIT.format(root=str(tmp_path / "sounds")))
    assert done.status == 0, done.err
    assert installation.rows("SELECT state FROM jobs_job") == [("queued",)]
    return done.out.strip() == "True", done.err


def test_a_submitted_run_puts_a_hint_into_the_queue_of_its_classifier(
    installation: Installation, broker: Redis, tmp_path: Path
):
    installation.extra["EARMARK_BROKER_URL"] = broker.url
    installation.extra["EARMARK_GPU_CLASSIFIERS"] = "bands"

    submit(installation, tmp_path)

    assert broker.client.llen("classify.cpu") == 0
    (message,) = broker.client.lrange("classify.gpu", 0, -1)
    assert json.loads(message)["headers"]["task"] == "earmark.classify"


def test_without_a_broker_nothing_is_sent_and_celery_is_not_even_loaded(
    installation: Installation, tmp_path: Path
):
    assert submit(installation, tmp_path) == (False, "")


def test_a_broker_that_is_away_is_logged_and_no_error(installation: Installation, tmp_path: Path):
    installation.extra["EARMARK_BROKER_URL"] = f"redis://127.0.0.1:{free_port()}/0"

    _, messages = submit(installation, tmp_path)

    assert "hint_not_sent" in messages
    assert "Traceback" not in messages


def test_hints_survive_a_flush_of_redis(installation: Installation, broker: Redis):
    installation.extra["EARMARK_BROKER_URL"] = broker.url
    code = (
        "import redis; from earmark.core.hints import send_hint; assert send_hint('write'); "
        f"redis.Redis(port={broker.port}).flushall(); assert send_hint('write', times=2)"
    )

    done = installation.run("shell", "-v0", "-c", code)

    assert done.status == 0, done.err
    assert broker.client.llen("write") == 2


def test_celery_finds_the_application_by_its_name(installation: Installation):
    code = (
        "from celery.app.utils import find_app; app = find_app('earmark'); "
        "print(app.main, app.conf.task_acks_late, app.conf.worker_pool)"
    )
    installation.extra["DJANGO_SETTINGS_MODULE"] = "earmark.settings.single"

    done = installation.run("shell", "-v0", "-c", code)

    assert done.out.split() == ["earmark", "True", "threads"], done.err
