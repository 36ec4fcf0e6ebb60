"""docs/exports.md, docs/webhooks.md and docs/clients.md are true as they stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from earmark.exchange.exports import formats
from earmark.jobs.models import PredictionSet, Run
from earmark.jobs.services import settle_follow_up
from earmark.jobs.timeline import pack_timeline
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.search.services.indexing import index_changes
from earmark.tagging.models import Tag
from earmark.webhooks.models import Delivery, Event, Webhook
from earmark.webhooks.services import KEPT, WAITS
from earmark.webhooks.signing import sign
from earmark_client import verify
from tests.api_client import make_token, make_user
from tests.factories import ClassifierVersionFactory, JobFactory, make_sound
from tests.live_server import live_server
from tests.tag_harness import REPOSITORY

PAGES = {
    name: (REPOSITORY / "docs" / f"{name}.md").read_text("utf-8")
    for name in ("exports", "webhooks", "clients")
}


def blocks(page: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.M | re.S)
    return found


def commands(page: str) -> list[str]:
    text = "".join(blocks(page, "sh")).replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip()]


@pytest.fixture
def foley(tmp_path: Path, data_dir: Path, django_db_reset_sequences: None) -> Library:
    """A library with a sound that has a tag and a timeline, and a run of it that is over."""
    make_sound(tmp_path / "sounds" / "Track 18.wav")
    library = register_library(root=tmp_path / "sounds", name="Foley", trusted=True)
    scan_library(library=library)
    classifier = ClassifierVersionFactory(name="audioset", labels=[["/m/06mb1", "Rain"]])
    file = AudioFile.objects.get()
    AudioFile.objects.update(audio_hash="heard", container="wav", duration=1.0)
    PredictionSet.objects.create(
        classifier=classifier,
        audio_hash="heard",
        scores=[],
        timeline=pack_timeline(np.array([[0.9]], np.float32), [(0, 5)]),
    )
    now = timezone.now()
    Tag.objects.create(
        file=file, name="Rain", confidence=0.9, origin="classifier", label="Rain", created_at=now
    )
    job = JobFactory(run__pk=7, run__library=library, file=file, classifier=classifier)
    Run.objects.update(state=Run.State.FINISHED, finished_at=now)
    type(job).objects.update(state="succeeded", finished_at=now)
    index_changes()
    return library


class Out(StringIO):
    """Standard output, as far as commands use it."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = BytesIO()


def test_every_export_on_the_page_is_written(
    foley: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    lines = [line for line in commands("exports") if line.startswith("earmark")]
    assert len(lines) == 7
    for line in lines:
        command, _, target = line.partition(" > ")
        _, name, *words = shlex.split(command)
        out = Out()
        call_command(name, *words, stdout=out)
        if target:
            assert "Track 18.wav" in out.buffer.getvalue().decode("utf-8-sig")
        else:
            assert Path(words[words.index("-o") + 1]).stat().st_size > 0


def test_the_page_names_every_column_and_form():
    table = PAGES["exports"].partition("## What the columns say")[2]
    for columns in (formats.CSV_COLUMNS, formats.SOUNDMINER_COLUMNS):
        for name in columns:
            assert f"`{name}`" in table
    for name in formats.FORMATS:
        assert f"`{name}`" in PAGES["exports"]


def test_the_page_names_every_event_reason_and_wait():
    page = PAGES["webhooks"]
    for event in Event.values:
        assert f"`{event}`" in page
    source = (REPOSITORY / "platform/earmark/webhooks/sending.py").read_text("utf-8")
    codes = set(re.findall(r'DeliveryFailedError\(\s*"(\w+)"', source))
    assert len(codes) == 8
    for code in codes:
        assert f"`{code}`" in page
    assert [wait.total_seconds() for wait in WAITS] == [30, 120, 600, 1800, 7200, 21600, 43200]
    assert "30 s, 2 min, 10 min, 30 min, 2 h, 6 h and 12 h" in page
    assert f"{KEPT.days} days" in page


def test_a_signature_is_checked_as_the_page_says():
    (code,) = blocks("webhooks", "python")
    body, secret = b"{}", "whsec_x"
    headers = {"X-Earmark-Signature": sign(secret=secret, body=body, now=int(time.time()))}
    exec(code, {"body": body, "secret": secret, "headers": headers})
    assert verify.__module__ == "earmark_client.webhooks"


@pytest.fixture
def served(foley: Library) -> Iterator[tuple[str, str]]:
    with live_server() as address:
        yield address, make_token(make_user(superuser=True))


def test_every_request_on_the_pages_is_answered(
    served: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    environment = os.environ | {"EARMARK": served[0], "TOKEN": served[1]}
    told: dict[str, str] = {}
    for page in PAGES:
        for line in commands(page):
            if not line.startswith("curl"):
                continue
            strict = line.replace("curl", "curl -sS --fail-with-body --max-time 20", 1)
            done = subprocess.run(
                ["bash", "-c", strict], env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            told[line] = done.stdout
    assert len(told) >= 10
    assert "whsec_" in next(text for line, text in told.items() if '"run.finished"' in line)
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()
    streams = [text for line, text in told.items() if "event-stream" in line]
    assert [re.findall(r"^event: (\w+)", text, re.M) for text in streams] == [["state", "end"]]
    assert json.loads(next(text for line, text in told.items() if "after=0" in line))["ended"]


def finish_open_run() -> None:
    """Do what is left to a worker where a run has nothing to classify."""
    deadline = time.monotonic() + 20
    while (run := Run.objects.open().first()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run is not None
    settle_follow_up(run=run)
    connection.close()


def test_the_example_of_the_client_does_what_it_says(
    served: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("clients", "python")
    values: dict[str, Any] = {}
    address, token = served
    code = code.replace("http://localhost:8000", address).replace("em_...", token)
    worker = threading.Thread(target=finish_open_run)
    worker.start()
    exec(code.replace("dog -bark", "rain -bark"), values)
    worker.join(20)
    assert "Track 18.wav ['Rain']" in capsys.readouterr().out
    assert Path("foley.csv").stat().st_size > 0


def test_the_client_can_be_installed(tmp_path: Path):
    (line,) = [line for line in commands("clients") if line.startswith("pip")]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    words = [sys.executable, "-m", *shlex.split(line), *options, str(tmp_path / "site")]
    subprocess.run(words, cwd=REPOSITORY, check=True)
    assert (tmp_path / "site" / "earmark_client" / "py.typed").exists()
