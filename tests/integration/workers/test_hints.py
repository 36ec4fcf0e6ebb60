"""Hints reach the workers' queues, and nobody suffers where they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.celery import app
from earmark.core.clock import Clock
from earmark.core.hints import MOST_WAITING
from earmark_workers.pipeline import run_tags
from earmark_workers.pipeline.run_tags import RunTags
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
    made = Installation(tmp_path / "data", install_plugin(tmp_path / "plugins")).with_database()
    made.extra["EARMARK_SETTLE_SECONDS"] = "0"
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


def test_hints_that_nobody_takes_neither_pile_up_nor_expire(
    installation: Installation, broker: Redis
):
    installation.extra["EARMARK_BROKER_URL"] = broker.url
    code = (
        "from earmark.core.hints import send_hint, send_tick; send_hint('scan', times=500); "
        "assert all(send_tick() for _ in range(3))"
    )

    done = installation.run("shell", "-v0", "-c", code)

    assert done.status == 0, done.err
    messages = [json.loads(raw)["headers"] for raw in broker.client.lrange("scan", 0, -1)]
    assert len(messages) == MOST_WAITING
    assert {message["expires"] for message in messages} == {None}


def test_the_clock_ticks_whatever_the_time_of_day_does(monkeypatch: pytest.MonkeyPatch):
    ticks: list[float] = []
    now = [100.0]
    monkeypatch.setattr("earmark.core.clock.time.monotonic", lambda: now[0])
    monkeypatch.setattr("earmark.core.clock.send_tick", lambda: ticks.append(now[0]))
    clock = Clock(app)

    waits = []
    for now[0] in (100.0, 102.0, 105.0, 105.1):
        waits.append(round(clock.tick(), 3))

    assert ticks == [100.0, 105.0]
    assert waits == [5.0, 3.0, 5.0, 4.9]


def test_celery_finds_the_application_by_its_name(installation: Installation):
    code = (
        "from celery.app.utils import find_app; app = find_app('earmark'); "
        "print(app.main, app.conf.task_acks_late, app.conf.worker_pool)"
    )
    installation.extra["DJANGO_SETTINGS_MODULE"] = "earmark.settings.single"

    done = installation.run("shell", "-v0", "-c", code)

    assert done.out.split() == ["earmark", "True", "threads"], done.err


@pytest.mark.django_db
def test_who_ends_a_slice_wakes_the_writers_for_what_was_taken_last(
    monkeypatch: pytest.MonkeyPatch,
):
    woken: list[str] = []
    monkeypatch.setattr(run_tags, "send_hint", woken.append)
    tags = RunTags()

    tags.end()
    assert woken == []

    tags.take([1])
    tags.end()
    tags.end()
    assert woken == ["write"]
