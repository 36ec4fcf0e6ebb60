"""`earmark models` as people type it, and what `earmark classifiers` says before and after."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earmark.classifiers.registry import get_plugin, inspect_plugins
from tests.weights_server import Server, serve

CONTENT = b"not a network, but bytes like any other" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MN20 = "mn20_as_mAP_478.pt"


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        server.files[f"/{MN20}"] = CONTENT
        yield server


class Earmark:
    """An installation of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))}
        return subprocess.run(
            [sys.executable, "-m", "earmark", *arguments],
            env=clean | {"EARMARK_DATA_DIR": str(self.data)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def tell(self, *arguments: str) -> dict[str, Any]:
        """Run with ``--json`` and return the objects by name."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def earmark(tmp_path: Path) -> Earmark:
    return Earmark(tmp_path / "data")


def test_from_nothing_to_a_verified_file_and_back(server: Server, earmark: Earmark) -> None:
    before = earmark.tell("models", "list")
    assert {name: row["status"] for name, row in before.items()} == {
        "efficientat-mn04": "missing",
        "efficientat-mn10": "missing",
        "efficientat-mn20": "missing",
        "panns-cnn14": "missing",
        "yamnet": "missing",
    }
    assert before["efficientat-mn10"]["licence"] == "MIT"

    undecided = earmark.run("models", "pull", "efficientat-mn20", "--mirror", server.url)
    assert undecided.returncode == 4
    assert "checksum_unknown" in undecided.stderr and "--trust-on-first-use" in undecided.stderr
    assert server.requests == []

    command = ("models", "pull", "efficientat-mn20", "--mirror", server.url)
    pulled = earmark.run(*command, "--accept-checksum", SHA256)
    assert pulled.returncode == 0, pulled.stderr
    path = earmark.data / "models" / MN20
    assert path.read_bytes() == CONTENT
    assert pulled.stdout == f"efficientat-mn20 is in {path}.\n"
    assert "efficientat-mn20" in pulled.stderr  # the progress

    assert earmark.tell("models", "verify")["efficientat-mn20"]["status"] == "ok"
    path.write_bytes(CONTENT[1:])
    spoilt = earmark.run("models", "verify")
    assert spoilt.returncode == 4
    assert "differs" in spoilt.stdout and "checksum_mismatch" in spoilt.stderr

    assert earmark.tell("models", "remove", "efficientat-mn20")["efficientat-mn20"]["freed"] > 0
    assert not path.exists()


def test_what_is_believed_on_first_use_is_said_and_shown(server: Server, earmark: Earmark) -> None:
    command = ("models", "pull", "efficientat-mn20", "--mirror", server.url)
    pulled = earmark.run(*command, "--trust-on-first-use")
    assert pulled.returncode == 0, pulled.stderr
    assert f"Nobody vouches for this file. Its SHA-256, {SHA256}" in pulled.stderr
    assert earmark.tell("models", "list")["efficientat-mn20"]["sha256"] == SHA256


def test_another_file_than_the_published_one_ends_with_its_own_status(
    server: Server, earmark: Earmark
) -> None:
    server.files["/mn04_as_mAP_432.pt"] = CONTENT
    refused = earmark.run("models", "pull", "efficientat-mn04", "--mirror", server.url)
    assert refused.returncode == 4
    assert "checksum_mismatch" in refused.stderr and "Traceback" not in refused.stderr


def test_offline_and_unknown_names_end_with_their_own_status(earmark: Earmark) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    offline = earmark.run("models", "pull", "yamnet", "--mirror", nobody)
    assert offline.returncode == 3
    assert "offline: 127.0.0.1" in offline.stderr and "Traceback" not in offline.stderr
    unknown = earmark.run("models", "pull", "yamnet", "no-such-model")
    assert unknown.returncode == 2
    assert "unknown_weights" in unknown.stderr


def test_classifiers_without_their_weights_are_listed_as_unavailable_and_hide_nobody(
    earmark: Earmark,
) -> None:
    told = earmark.tell("classifiers")
    assert told["audioset"]["status"] == "ok"
    for name in ("efficientat-mn04", "efficientat-mn10", "efficientat-mn20", "panns-cnn14"):
        assert (told[name]["status"], told[name]["code"]) == ("unavailable", "weights_missing")
        assert f"`earmark models pull {name}`" in told[name]["message"]
        assert told[name]["labels"] == 527
    assert told["yamnet"]["status"] == "unavailable"
    assert told["yamnet"]["code"] in {"missing_dependency", "weights_missing"}
    tried = earmark.run("tag", "--classifier", "efficientat-mn10", str(earmark.data))
    assert tried.returncode == 2
    assert "earmark models pull efficientat-mn10" in tried.stderr


def test_a_classifier_is_available_where_its_weights_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EARMARK_EFFICIENTAT_WEIGHTS", raising=False)
    monkeypatch.setenv("EARMARK_MODELS_DIR", str(tmp_path))
    plugin = get_plugin("efficientat-mn20")
    assert not inspect_plugins([plugin])[0].usable
    (tmp_path / MN20).write_bytes(CONTENT)
    assert inspect_plugins([plugin])[0].usable
