"""``earmark max``: the drop-in for IBM's container MAX-Audio-Classifier, in one command."""

from __future__ import annotations

import io
import socket
import subprocess
import time
import wave
from ipaddress import ip_address
from multiprocessing.connection import wait
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.services import require_classifier
from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.core.processes import start_module, stop_processes
from earmark.uploads.models import Upload, new_upload_id
from earmark.uploads.services import accept_upload, discard_upload
from earmark.uploads.storage import Received
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.uploads import desk_beside

_POLL_S = 0.1
EPILOG = """
examples:
  earmark max                                  at http://127.0.0.1:5000, for this machine only
  earmark max --host 0.0.0.0                   for everybody who can reach this machine
  earmark max --classifier efficientat-mn10
  curl -F "audio=@thunder.wav;type=audio/wav" -X POST http://127.0.0.1:5000/model/predict

Nobody has to sign in, and nothing that is sent is kept.

exit status:
  0  stopped by Ctrl-C
  1  the port is taken, the first sound could not be classified, or the web server ended
  2  the command line is wrong, or there is no such classifier
"""


class Command(EarmarkCommand):
    """Serves the addresses of the container until somebody stops it."""

    help = "Stand in for the IBM MAX Audio Classifier: its API on port 5000, until Ctrl-C."
    epilog = EPILOG
    usage_errors = (ClassifierUnavailableError,)
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen at (default: %(default)s)"
        )
        parser.add_argument("--port", default=5000, type=int, help="default: %(default)s")
        parser.add_argument(
            "--classifier", default=settings.EARMARK_CLASSIFIER, help="default: %(default)s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        ensure_migrated()
        _require_free(options["host"], options["port"])
        classifier = require_classifier(name=options["classifier"])
        with StopRequest() as stop, desk_beside(device=settings.EARMARK_DEVICE):
            web = _start_web(options["host"], options["port"], classifier)
            try:
                _try_out(classifier, stop, web)
                _await_listening(options["host"], options["port"], stop, web)
                self.stderr.write(
                    f"{classifier.identity} answers at http://{options['host']}:{options['port']}"
                    "/  (Ctrl-C stops it)"
                )
                while not stop.asked:
                    _require_running(web)
                    wait([stop.wake], _POLL_S)
            finally:
                stop_processes([web])


def _require_free(host: str, port: int) -> None:
    """Find out before anything is started, and before another program is taken for ours."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"Cannot listen at {host}, port {port}: {error}. Stop what is there, or name another "
            "with --port."
        ) from error


def _start_web(host: str, port: int, classifier: ClassifierVersion) -> subprocess.Popen[bytes]:
    environment = {"EARMARK_CLASSIFIER": classifier.name}
    if not _is_loopback(host):
        # Whoever offers it to others is asked for by names that nobody knows here.
        environment["EARMARK_ALLOWED_HOSTS"] = "*"
    application = ["uvicorn", "earmark.uploads.max.asgi:application", "--log-level", "warning"]
    return start_module([*application, "--host", host, "--port", str(port)], environment)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _try_out(
    classifier: ClassifierVersion, stop: StopRequest, web: subprocess.Popen[bytes]
) -> None:
    """Classify a second of noise: what is served works, and is loaded when somebody comes."""
    received = Received(new_upload_id())
    received.write(_noise())
    upload = accept_upload(received=received, classifiers=[classifier])
    try:
        while not stop.asked and upload.state in (Upload.State.QUEUED, Upload.State.RUNNING):
            _require_running(web)
            time.sleep(_POLL_S)
            upload.refresh_from_db()
    finally:
        discard_upload(upload=upload)
    if upload.state == Upload.State.FAILED:
        raise CommandError(f"{upload.error_code}: {upload.error_message}")


def _await_listening(host: str, port: int, stop: StopRequest, web: subprocess.Popen[bytes]) -> None:
    """Wait until the web server can be reached; by then it has long been started."""
    while not stop.asked:
        _require_running(web)
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(_POLL_S)
        else:
            return


def _noise() -> bytes:
    samples = np.random.default_rng(0).integers(-8000, 8000, 16_000, dtype=np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    return file.getvalue()


def _require_running(web: subprocess.Popen[bytes]) -> None:
    if web.poll() is not None:
        raise CommandError(
            f"The web server ended by itself with status {web.returncode}; see its messages above."
        )
