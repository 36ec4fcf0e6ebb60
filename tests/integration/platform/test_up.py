"""`up` and `work` as people run them: real processes, real pages, a small real classifier."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from earmark_files.metadata import read_tags
from tests.tag_harness import Installation, descendants, install_plugin, kill, noise, sine

PASSWORD = "correct horse"
SUBMIT = """
from earmark.classifiers.services import require_classifier
from earmark.jobs.models import Run
from earmark.jobs.services import submit_run
from earmark.library.services import register_library, scan_library
from pathlib import Path
library = register_library(root=Path({root!r}), trusted=True)
scan_library(library=library)
submit_run(library=library, classifiers=[require_classifier(name="bands")],
           options={{"write": True, Run.FOLLOW_UP: True}})
"""


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for number in range(4):
        sine(folder / f"tone {number}.wav", frequency=440.0 + 100 * number)
        noise(folder / f"noise {number}.wav", seed=number)
    (folder / "broken.wav").write_bytes(b"not audio at all")
    return folder


@pytest.fixture
def installation(tmp_path: Path, sounds: Path) -> Installation:
    plugins = install_plugin(tmp_path / "plugins")
    made = Installation(tmp_path / "data", plugins).with_database()
    made.extra |= {"EARMARK_CLASSIFIER": "bands", "EARMARK_LIBRARY_ROOTS": str(sounds.parent)}
    made.extra["EARMARK_SETTLE_SECONDS"] = "0"  # the sounds were made this moment
    return made


@pytest.fixture
def started(installation: Installation) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start commands, and leave no process behind whatever happens."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        processes.append(installation.start(*arguments, stderr=subprocess.PIPE))
        return processes[-1]

    yield start
    for process in processes:
        for pid in (*descendants(process.pid), process.pid):
            kill(pid)
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.1)


class Browser:
    """A browser without scripts: keeps cookies, fills in forms."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.cookies = http.cookiejar.CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(handler)

    def get(self, path: str) -> str:
        return str(self.opener.open(self.base + path, timeout=30).read().decode())

    def post(self, path: str, **values: str) -> str:
        self.get(path)
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **values}).encode()
        request = urllib.request.Request(self.base + path, data, {"Referer": self.base + path})
        return str(self.opener.open(request, timeout=30).read().decode())

    def is_there(self) -> bool:
        try:
            return bool(self.get("/admin/login/"))
        except OSError:
            return False

    def choose(self, action: str) -> str:
        return self.post("/admin/library/library/", action=action, _selected_action="1")


def test_what_is_started_in_the_pages_is_done_and_ctrl_c_stops_everything(
    installation: Installation, sounds: Path, started: Callable[..., subprocess.Popen[bytes]]
):
    port = free_port()
    process = started("up", "--port", str(port))
    browser = Browser(port)
    wait_until(browser.is_there)
    installation.extra["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    made = installation.run(
        "createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.org"
    )
    assert made.status == 0, made.err

    login = browser.get("/")
    for style in re.findall(r'href="(/static/[^"]+\.css)"', login):
        assert browser.get(style)
    browser.post("/admin/login/?next=/admin/", username="ann", password=PASSWORD)
    browser.post("/admin/library/library/add/", folder=str(sounds), name="")
    browser.choose("scan_now")
    wait_until(lambda: installation.rows("SELECT 1 FROM library_scan WHERE state='succeeded'"))
    wait_until(lambda: installation.rows("SELECT 1 FROM classifiers_classifierversion"))
    browser.choose("start_run")
    wait_until(
        lambda: installation.rows("SELECT 1 FROM jobs_run WHERE NOT options LIKE '%follow%'")
    )

    states = dict(installation.rows("SELECT state, count(*) FROM jobs_job GROUP BY state"))
    assert states == {"succeeded": 8, "failed": 1}
    assert "not_audio" in browser.get("/admin/jobs/job/?state__exact=failed")
    assert "Sine wave" in read_tags(sounds / "tone 1.wav").keywords

    everybody = descendants(process.pid)
    assert len(everybody) >= 2
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=100)
    assert process.returncode == 0, messages.decode()
    assert b"Traceback" not in messages
    assert [pid for pid in everybody if Path(f"/proc/{pid}").exists()] == []


def test_even_a_killed_up_leaves_no_process_behind(
    started: Callable[..., subprocess.Popen[bytes]],
):
    port = free_port()
    process = started("up", "--port", str(port))
    wait_until(Browser(port).is_there)
    everybody = descendants(process.pid)
    assert len(everybody) >= 2

    process.kill()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody))


def test_a_port_that_is_taken_ends_both_with_the_reason(
    started: Callable[..., subprocess.Popen[bytes]],
):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        process = started("up", "--port", str(other.getsockname()[1]))
        _, messages = process.communicate(timeout=150)

    assert process.returncode == 1
    assert "address already in use" in messages.decode()
    assert "The web server ended by itself" in messages.decode()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_work_that_was_broken_off_goes_on_with_the_next_start_to_the_last_tag(
    installation: Installation,
    sounds: Path,
    started: Callable[..., subprocess.Popen[bytes]],
    number: signal.Signals,
):
    for extra in range(16):
        sine(sounds / f"more {extra}.wav", frequency=300.0 + extra, seconds=4)
    assert installation.run("migrate", "-v0").status == 0
    assert installation.run("shell", "-v0", "-c", SUBMIT.format(root=str(sounds))).status == 0
    installation.extra |= {"BANDS_SECONDS_PER_WINDOW": "0.1", "EARMARK_TICK_SECONDS": "1"}
    process = started("work", "--workers", "1")
    wait_until(lambda: installation.rows("SELECT 1 FROM jobs_job WHERE state='succeeded'"))
    # The search follows while the run goes on: it knows how long sounds are that were heard.
    heard = "SELECT 1 FROM search_searchdocument WHERE duration >= 0"
    wait_until(lambda: installation.rows(heard))
    assert installation.rows("SELECT 1 FROM jobs_job WHERE state IN ('queued', 'running')")
    os.kill(process.pid, number)
    process.communicate(timeout=100)
    installation.extra["BANDS_SECONDS_PER_WINDOW"] = "0"

    done = installation.run("work", "--until-idle", "--workers", "1")

    assert done.status == 0, done.err
    states = dict(installation.rows("SELECT state, count(*) FROM jobs_job GROUP BY state"))
    assert states == {"succeeded": 24, "failed": 1}
    assert installation.rows("SELECT state FROM jobs_run") == [("finished",)]
    for sound in sounds.glob("more *.wav"):
        assert "Sine wave" in read_tags(sound).keywords


def test_a_run_whose_classifier_went_away_fails_with_the_reason(
    installation: Installation, sounds: Path
):
    assert installation.run("migrate", "-v0").status == 0
    assert installation.run("shell", "-v0", "-c", SUBMIT.format(root=str(sounds))).status == 0
    (installation.plugins / "earmark_bands.py").unlink()

    done = installation.run("work", "--until-idle")

    assert done.status == 0, done.err
    reasons = installation.rows("SELECT DISTINCT state, reason_code FROM jobs_job")
    assert reasons == [("failed", "classifier_unavailable")]
    assert installation.rows("SELECT state FROM jobs_run") == [("finished",)]
