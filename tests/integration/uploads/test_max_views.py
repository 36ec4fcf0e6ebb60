"""The drop-in's answers to what the published description does not speak of."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from earmark.uploads import storage
from earmark.uploads.models import Upload

pytestmark = [pytest.mark.usefixtures("desk"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def client(settings) -> Client:
    settings.ROOT_URLCONF = "earmark.uploads.max.urls"
    return Client()


def predict(client: Client, samples, *, form: str = "WAV", subtype: str | None = None, **query):
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format=form, subtype=subtype)
    sound = SimpleUploadedFile("a.wav", file.getvalue(), "audio/wav")
    return client.post("/model/predict", {"audio": sound}, query_params=query)


def noise(seconds: float):
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(16_000 * seconds))


def test_sounds_are_answered_or_refused_as_programs_expect_and_leave_nothing(client: Client):
    answers = {
        "plain": predict(client, noise(2)),
        "short": predict(client, noise(0.1)),
        "24 bit": predict(client, noise(1), subtype="PCM_24"),
        "flac": predict(client, noise(1), form="FLAC"),
        "silent": predict(client, np.zeros(16_000)),
        "late": predict(client, noise(2), start_time="1.95"),
        "behind": predict(client, noise(2), start_time="3"),
        "junk": client.post(
            "/model/predict", {"audio": SimpleUploadedFile("a.wav", b"RIFF", "audio/wav")}
        ),
    }
    told = {name: (answer.status_code, answer.json()) for name, answer in answers.items()}

    for name in ("plain", "24 bit"):
        status, body = told[name]
        assert (status, body["predictions"][0]["label"]) == (200, "White noise")
    assert (told["short"][0], len(told["short"][1]["predictions"])) == (200, 4)
    assert told["silent"] == (200, {"status": "ok", "predictions": []})
    assert told["flac"][1]["message"] == "Invalid file type/extension: flac"
    for name in ("late", "behind"):
        assert told[name][1]["message"] == "Invalid start time: value outside audio clip"
    for name in ("flac", "late", "behind", "junk"):
        assert told[name][0] == 400
        assert list(told[name][1]) == ["status", "message"]
    assert answers["plain"].content.endswith(b"}\n")
    assert not Upload.objects.exists()
    assert list(storage.folder().iterdir()) == []


def test_parameters_may_stand_in_the_form_but_those_of_the_address_come_first(client: Client):
    def ask(query: dict[str, str], **form: str) -> int:
        file = io.BytesIO()
        soundfile.write(file, noise(2), 16_000, format="WAV")
        sound = SimpleUploadedFile("a.wav", file.getvalue(), "audio/x-wav; codecs=1")
        answer = client.post("/model/predict", {"audio": sound, **form}, query_params=query)
        return answer.status_code

    assert ask({}, start_time="9") == 400
    assert ask({"start_time": "0"}, start_time="9") == 200


def test_what_is_not_the_sounds_fault_has_another_status(client: Client, settings):
    settings.EARMARK_UPLOAD_MAX_MB = 0
    assert predict(client, noise(1)).status_code == 413
    settings.EARMARK_UPLOAD_MAX_MB = 1
    settings.EARMARK_UPLOAD_QUEUE = 0
    assert predict(client, noise(1)).status_code == 503
    settings.EARMARK_UPLOAD_QUEUE = 1
    settings.EARMARK_CLASSIFIER = "gone"
    answer = predict(client, noise(1))
    assert answer.status_code == 500
    assert list(answer.json()) == ["message"]
    assert list(storage.folder().iterdir()) == []


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n\r\n", b'--x\r\nContent-Disposition: form-data; name="audio"; file']
)
def test_a_form_that_makes_no_sense_has_no_sound(client: Client, body: bytes):
    answer = client.generic(
        "POST", "/model/predict", body, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["audio"]


def test_other_methods_are_told_what_is_allowed(client: Client):
    refused = client.get("/model/predict")
    assert (refused.status_code, refused["Allow"]) == (405, "POST, OPTIONS")
    assert list(refused.json()) == ["message"]
    assert client.post("/model/metadata").status_code == 405
    offered = client.options("/model/metadata")
    assert (offered.status_code, offered["Allow"]) == (200, "HEAD, GET, OPTIONS")


def test_names_that_lead_here_by_a_trick_are_refused(client: Client):
    assert client.get("/model/metadata", headers={"host": "evil.example"}).status_code == 400


def test_the_pages_of_earmark_itself_are_not_there(client: Client):
    for path in ("/admin/", "/api/v1/uploads", "/healthz"):
        assert client.get(path).status_code == 404
