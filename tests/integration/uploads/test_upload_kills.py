"""A worker is killed while it listens to a sound."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.uploads import storage
from earmark.uploads.models import Upload, new_upload_id
from earmark.uploads.services import accept_upload
from earmark_workers.pipeline.uploads import sweep
from tests.tag_harness import REPOSITORY, descendants, sine, wait_for, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_of_a_sound_is_left_behind_a_killed_worker(
    data_dir: Path, tmp_path: Path, bands: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BANDS_SECONDS_PER_WINDOW", "60")
    received = storage.Received(new_upload_id())
    received.write(sine(tmp_path / "tone.wav").read_bytes())
    upload = accept_upload(received=received, classifiers=[bands])
    worker = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("desk_process.py")),
            str(connection.settings_dict["NAME"]),
            str(data_dir),
        ],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ["PYTHONPATH"]])},
    )
    wait_for(lambda: Upload.objects.get().state == Upload.State.RUNNING)
    wait_for(lambda: len(descendants(worker.pid)) == 2)  # the engine, and what decodes for it
    below = descendants(worker.pid)

    worker.kill()
    worker.wait()
    wait_for_end(below)
    sweep()

    upload.refresh_from_db()
    assert (upload.state, upload.lost_leases) == ("queued", 1)
    assert storage.has_bytes(upload.pk)  # for the next worker

    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))  # but none comes
    sweep()

    assert list(storage.folder().iterdir()) == []
    assert not Upload.objects.exists()
