"""`earmark max`, asked by a client that knows the published description and nothing else."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from tests.servers import free_port
from tests.tag_harness import (
    REPOSITORY,
    Installation,
    descendants,
    noise,
    sine,
    wait_for,
    wait_for_end,
)


class DescribedClient:
    """Calls what a Swagger 2.0 document describes, and checks the answers against it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.document = json.loads(self._open(urllib.request.Request(f"{base}/swagger.json"))[1])
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def call(self, name: str, *, kind: str = "audio/wav", **values: Any) -> tuple[int, Any]:
        """Return status and body of an operation; `kind` is the media type of files."""
        method, path, operation = self.operations[name]
        query, parts = {}, []
        for parameter in operation.get("parameters", []):
            value = values.pop(parameter["name"], None)
            if value is None:
                continue
            if parameter["in"] == "formData":
                parts.append((parameter["name"], value))
            elif parameter["type"] == "array":
                assert parameter["collectionFormat"] == "csv"
                query[parameter["name"]] = ",".join(value)
            else:
                query[parameter["name"]] = value
        assert not values, "the description has no such parameters"
        address = f"{self.base}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, method=method)
        if "multipart/form-data" in operation.get("consumes", ()):
            boundary = uuid.uuid4().hex
            request.data = _form(parts, boundary, kind)
            request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        status, raw = self._open(request)
        body = json.loads(raw)
        described = operation["responses"].get(str(status))
        if described is not None:
            schema = {**described["schema"], "definitions": self.document["definitions"]}
            jsonschema.validate(body, schema)
        return status, body

    @staticmethod
    def _open(request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def _form(parts: list[tuple[str, Path]], boundary: str, kind: str) -> bytes:
    body = b""
    for name, path in parts:
        head = f'form-data; name="{name}"; filename="{path.name}"\r\nContent-Type: {kind}'
        body += f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode()
        body += path.read_bytes() + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One start for all tests: the address, and the data folder."""
    folder = tmp_path_factory.mktemp("max")
    installation = Installation(folder / "data", folder)
    port = free_port()
    said = folder / "said"
    with said.open("wb") as errors:
        process = installation.start("max", "--port", str(port), stderr=errors)
    wait_for(lambda: b"answers at" in said.read_bytes() or process.poll() is not None)
    assert process.poll() is None, said.read_text()
    everybody = descendants(process.pid)
    (web,) = [pid for pid in everybody if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    yield f"http://127.0.0.1:{port}", installation.data
    maps = Path(f"/proc/{web}/maps").read_text()
    assert [name for name in ("torch", "onnx", "sndfile", "libav") if name in maps] == []
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 0, said.read_text()
    wait_for_end(everybody)
    assert "Traceback" not in said.read_text()


@pytest.fixture
def client(served: tuple[str, Path]) -> DescribedClient:
    return DescribedClient(served[0])


@pytest.mark.django_db
def test_a_port_that_is_taken_and_a_classifier_that_is_not_there_are_told_at_once(data_dir: Path):
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(CommandError, match="Cannot listen at") as taken,
    ):
        call_command("max", port=other.getsockname()[1])
    with pytest.raises(CommandError, match="classifier_unavailable") as unknown:
        call_command("max", port=free_port(), classifier="nosuch")

    assert (taken.value.returncode, unknown.value.returncode) == (1, 2)
    assert not (data_dir / "uploads").exists()


def test_the_interface_is_that_of_version_1_2_0(client: DescribedClient):
    assert client.document["swagger"] == "2.0"
    info = client.document["info"]
    assert (info["title"], info["version"]) == ("MAX Audio Classifier", "1.2.0")
    assert info["description"] == "Identify sounds in short audio clips"
    assert {"/model/metadata", "/model/predict"} <= set(client.document["paths"])


def test_the_metadata_name_what_really_answers(client: DescribedClient):
    status, body = client.call("get_model_metadata_api")

    assert status == 200
    assert list(body) == ["id", "name", "description", "type", "source", "license"]
    assert body["id"].startswith("audioset@")


def test_the_labels_are_those_of_audioset(client: DescribedClient):
    status, body = client.call("labels")

    assert (status, body["count"], len(body["labels"])) == (200, 527, 527)
    assert body["labels"][0] == {"id": "/m/09x0r", "name": "Speech"}


def test_a_sound_gets_five_predictions_best_first(
    client: DescribedClient, tmp_path: Path, served: tuple[str, Path]
):
    status, body = client.call("predict", audio=sine(tmp_path / "a.wav", seconds=3))

    assert status == 200
    assert list(body) == ["status", "predictions"]
    assert body["status"] == "ok"
    found = body["predictions"]
    assert len(found) == 5
    assert [list(one) for one in found] == [["label_id", "label", "probability"]] * 5
    assert (found[0]["label_id"], found[0]["label"]) == ("/m/01v_m0", "Sine wave")
    scores = [one["probability"] for one in found]
    assert scores == sorted(scores, reverse=True)
    assert list((served[1] / "uploads").iterdir()) == []


def test_only_ten_seconds_from_the_start_time_on_are_heard(client: DescribedClient, tmp_path: Path):
    quiet, loud = noise(tmp_path / "n.wav", seconds=10), sine(tmp_path / "s.wav", seconds=10)
    both = np.concatenate([soundfile.read(path)[0] for path in (quiet, loud)])
    soundfile.write(tmp_path / "both.wav", both, 16_000)

    for start, part in ((0, quiet), (10, loud)):
        _, whole = client.call("predict", audio=part)
        _, found = client.call("predict", audio=tmp_path / "both.wav", start_time=start)
        assert [one["label"] for one in found["predictions"]] == [
            one["label"] for one in whole["predictions"]
        ]


def test_the_filter_chooses_among_the_five(client: DescribedClient, tmp_path: Path):
    sound = sine(tmp_path / "a.wav", seconds=3)
    _, all_five = client.call("predict", audio=sound)
    two = [one for one in all_five["predictions"] if "," not in one["label"]][:2]

    _, some = client.call("predict", audio=sound, filter=[one["label"] for one in reversed(two)])
    _, none = client.call("predict", audio=sound, filter=["Bark"])
    _, empty = client.call("predict", audio=sound, filter=["", "", ""])

    assert some["predictions"] == two
    assert none == {"status": "ok", "predictions": []}
    assert empty == all_five


def test_what_cannot_be_predicted_is_refused_in_the_words_of_the_original(
    client: DescribedClient, tmp_path: Path
):
    sound = sine(tmp_path / "a.wav", seconds=2)

    assert client.call("predict", audio=Path(__file__), kind="text/x-python") == (
        400,
        {"status": "error", "message": "Invalid file type/extension: text/x-python"},
    )
    assert client.call("predict", audio=sound, start_time=200) == (
        400,
        {"status": "error", "message": "Invalid start time: value outside audio clip"},
    )
    status, body = client.call("predict")
    assert (status, body["message"]) == (400, "Input payload validation failed")
    assert body["errors"] == {
        "audio": "signed 16-bit PCM WAV audio file Missing required parameter in an uploaded file"
    }


def test_the_command_of_the_page_gives_what_the_page_shows(client: DescribedClient, tmp_path: Path):
    page = (REPOSITORY / "docs" / "max.md").read_text("utf-8")
    (line,) = re.findall(r"^curl .*$", page, re.MULTILINE)
    sine(tmp_path / "tone.wav", seconds=3, rate=32_000)

    done = subprocess.run(
        shlex.split(line.replace("http://127.0.0.1:5000", client.base)),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    shown = json.loads(re.findall(r"^(\{.*), \.\.\.\]\}$", page, re.MULTILINE)[0] + "]}")
    answer = json.loads(done.stdout)
    assert answer["status"] == shown["status"]
    found, (first,) = answer["predictions"][0], shown["predictions"]
    assert [found["label_id"], found["label"]] == [first["label_id"], first["label"]]
    assert found["probability"] == pytest.approx(first["probability"], abs=0.01)


def test_there_is_a_page_to_try_it(client: DescribedClient):
    with urllib.request.urlopen(client.base) as page:
        assert page.url == f"{client.base}/docs"
        assert b"swagger-ui" in page.read()


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(client: DescribedClient):
    request = urllib.request.Request(f"{client.base}/model/predict", data=b"", method="POST")
    request.add_header("Content-Length", str(1 << 40))

    status, body = client._open(request)

    assert (status, json.loads(body)["code"]) == (413, "too_large")
