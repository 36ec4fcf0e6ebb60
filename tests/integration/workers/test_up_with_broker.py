"""`up` with a broker: Celery workers and the clock start and stop together; the compose file."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from earmark.settings import queues
from earmark_files.metadata import read_tags
from tests.celery_harness import site
from tests.servers import Redis, free_port
from tests.tag_harness import REPOSITORY, descendants, kill, sine, wait_for, wait_for_end

pytestmark = pytest.mark.timeout(600)

REQUEST = """
from pathlib import Path
from earmark.library.services import register_library, request_scan
request_scan(library=register_library(root=Path({root!r}), trusted=True))
"""


def test_up_with_a_broker_scans_classifies_writes_and_stops_cleanly(tmp_path: Path, broker: Redis):
    """With the broker that is a folder; Redis is what all other tests with workers have."""
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    sine(sounds / "tone.wav")
    with site(tmp_path, broker) as here:
        here.extra["EARMARK_SETTLE_SECONDS"] = "0"
        here.extra["EARMARK_BROKER_URL"] = "filesystem://"
        process = here.start("up", "--port", str(free_port()), stderr=subprocess.PIPE)
        try:
            code = REQUEST.format(root=str(sounds))
            assert here.run("shell", "-v0", "-c", code).status == 0
            wait_for(lambda: here.rows("SELECT 1 FROM library_audiofile") != [], 120)
            here.submit(sounds)
            wait_for(here.is_done, 120)
            assert "Sine wave" in read_tags(sounds / "tone.wav").keywords

            everybody = descendants(process.pid)
            process.send_signal(signal.SIGINT)
            _, messages = process.communicate(timeout=60)

            assert process.returncode == 0, messages.decode()
            assert b"Traceback" not in messages
            wait_for_end(everybody)
        finally:
            for pid in (*descendants(process.pid), process.pid):
                kill(pid)


@pytest.mark.skipif(
    shutil.which("docker-compose") is None, reason="docker-compose is not installed"
)
def test_the_compose_file_is_valid_and_serves_every_queue():
    done = subprocess.run(
        ["docker-compose", "--profile", "gpu", "config"],
        cwd=REPOSITORY,
        env=os.environ | {"EARMARK_SECRET_KEY": "x", "POSTGRES_PASSWORD": "y", "SOUNDS": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    words = {line.strip().removeprefix("- ") for line in done.stdout.splitlines()}
    assert set(queues.ALL) <= words
