"""Every command of the page about sounds, run as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from earmark.classifiers.services import register_manifest
from earmark.uploads import storage
from earmark_files.paths import path_to_text
from tests.api_client import make_token, make_user
from tests.bands_classifier import Bands
from tests.factories import AudioFileFactory, LibraryFactory
from tests.tag_harness import REPOSITORY, sine

PAGE = (REPOSITORY / "docs" / "sound.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


@pytest.mark.django_db(transaction=True)
def test_the_commands_give_what_the_page_says(
    live_server, data_dir: Path, tmp_path: Path, settings
):
    settings.EARMARK_CLASSIFIER = "bands"
    settings.EARMARK_UPLOAD_WAIT_SECONDS = 0  # nobody listens in this test
    register_manifest(manifest=Bands.manifest)
    sound = sine(tmp_path / "bounce.wav")
    file = AudioFileFactory(library=LibraryFactory(root=path_to_text(tmp_path)), path="bounce.wav")
    environment = os.environ | {
        "EARMARK": live_server.url,
        "TOKEN": make_token(make_user(superuser=True)),
    }

    said = []
    for command in COMMANDS:
        assert command.startswith("curl -s ")
        line = command.replace("curl -s ", "curl -sf ", 1).replace(
            "/files/1/", f"/files/{file.pk}/"
        )
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        said.append(done.stdout)

    assert (tmp_path / "door.wav").read_bytes() == sound.read_bytes()
    assert (tmp_path / "head.bin").read_bytes() == sound.read_bytes()[:44]
    assert json.loads(said[2])["length"] <= 800
    assert (tmp_path / "door.dat").read_bytes()[:4] == b"\x02\0\0\0"
    assert Image.open(tmp_path / "door.png").size == (800, 200)
    whole, part = json.loads(said[5]), json.loads(said[6])
    assert (whole["classifiers"], part["start"], part["end"]) == (["bands@1.0.0"], 0.5, 1.0)
    assert {path.name for path in storage.folder().iterdir()} == {whole["id"], part["id"]}
