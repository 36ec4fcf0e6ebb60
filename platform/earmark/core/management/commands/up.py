"""``earmark up``: the web pages, and who works on what is started there, in one command.

Without a broker that is one process, `earmark work`. With one it is Celery: a worker for files
(scans, writes), one for sounds (classification), and the clock.
"""

from __future__ import annotations

import signal
import sys
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from earmark.core.database import ensure_migrated
from earmark.core.processes import start_module, stop_processes
from earmark.settings.queues import CLASSIFY_CPU, CLASSIFY_GPU, SCAN, WRITE

_POLL_S = 0.2


class Command(BaseCommand):
    """Starts all, and stops all when asked to or when one of them ends."""

    help = "Serve the web pages and work on what is started there, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", default=8000, type=int, help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes or one of the processes ends."""
        ensure_migrated()
        self._greet(options["host"], options["port"])
        stopping = _Stopping()
        modules = {"web server": _web(options), **_workers()}
        processes = {name: start_module(module) for name, module in modules.items()}
        try:
            while not stopping.asked:
                for name, process in processes.items():
                    if process.poll() is not None:
                        raise CommandError(
                            f"The {name} ended by itself with status {process.returncode}; "
                            "see its messages above."
                        )
                time.sleep(_POLL_S)
        finally:
            stop_processes(processes.values())
        self.stderr.write("Stopped. What was begun goes on with the next start.")

    def _greet(self, host: str, port: int) -> None:
        self.stderr.write(f"Earmark is at http://{host}:{port}/  (Ctrl-C stops it)")
        self.stderr.write(f"State is kept in {settings.DATA_DIR}")
        if not get_user_model().objects.filter(is_superuser=True).exists():
            self.stderr.write(
                "Nobody can log in yet. In another terminal: "
                f"{sys.executable} {sys.argv[0]} createsuperuser"
            )


class _Stopping:
    """Remembers that somebody asked for the end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def _web(options: dict[str, Any]) -> list[str]:
    address = ["--host", options["host"], "--port", str(options["port"])]
    # Streams of events are open for as long as somebody watches: they shall not hold up the end.
    patience = ["--timeout-graceful-shutdown", "5"]
    return ["uvicorn", "earmark.asgi:application", "--log-level", "warning", *patience, *address]


def _workers() -> dict[str, list[str]]:
    if not settings.EARMARK_BROKER_URL:
        return {"worker": ["earmark", "work"]}
    celery = ["celery", "-A", "earmark", "--quiet"]
    files = ["-n", "files@%h", "-Q", f"{SCAN},{WRITE}", "--concurrency", "2"]
    sounds = ["-n", "sounds@%h", "-Q", f"{CLASSIFY_CPU},{CLASSIFY_GPU}"]
    return {
        "worker for files": [*celery, "worker", "-l", "WARNING", *files],
        "worker for sounds": [*celery, "worker", "-l", "WARNING", *sounds],
        "clock": [*celery, "beat", "-l", "WARNING"],
    }
