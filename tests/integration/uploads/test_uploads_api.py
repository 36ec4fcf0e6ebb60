"""Sounds sent to the API: answered by a real engine, and gone afterwards."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from earmark.accounts.scopes import Scope
from earmark.uploads import storage
from earmark.uploads.models import Upload
from tests.api_client import anonymous, make_user, signed_in, with_token

ADDRESS = "/api/v1/uploads"


def sound(*tones: float, rate: int = 16_000, form: str = "WAV", name: str = "a.wav"):
    """A second of each tone; 0 is noise."""
    t = np.arange(rate) / rate
    rng = np.random.default_rng(0)
    pieces = [np.sin(2 * np.pi * hz * t) if hz else rng.uniform(-1, 1, rate) for hz in tones]
    file = io.BytesIO()
    soundfile.write(file, 0.5 * np.concatenate(pieces), rate, format=form)
    return SimpleUploadedFile(name, file.getvalue(), "audio/wav")


def send(client: APIClient, **values):
    return client.post(ADDRESS, values, format="multipart")


def files_left() -> list[Path]:
    return list(storage.folder().iterdir())


@pytest.mark.usefixtures("desk")
def test_a_sound_is_classified_and_nothing_of_it_stays():
    client = with_token(make_user())

    whole = send(client, audio=sound(440, 440), wait=60)
    part = send(client, audio=sound(0, 0, 440), classifier="bands", start=2, wait=60)
    flac = send(client, audio=sound(0, form="FLAC"), wait=60)

    assert whole.status_code == 201, whole.content
    body = whole.json()
    assert (body["state"], body["error"]) == ("done", None)
    result = body["result"]
    assert (result["duration"], result["sample_rate"], result["container"]) == (2.0, 16000, "wav")
    (answer,) = result["classifiers"]
    assert answer["classifier"] == "bands@1.0.0"
    assert answer["predictions"][0]["label"] == "Sine wave"
    assert len(answer["predictions"]) == 4

    best = part.json()["result"]["classifiers"][0]["predictions"][0]
    assert (best["label"], best["start"], best["end"]) == ("Sine wave", 2.0, 3.0)
    assert part.json()["result"]["duration"] == 3.0
    assert flac.json()["result"]["classifiers"][0]["predictions"][0]["label"] == "White noise"

    assert files_left() == []
    assert client.get(whole["Location"]).json() == body


@pytest.mark.usefixtures("desk")
def test_what_cannot_be_classified_is_refused_with_the_reason(settings):
    settings.EARMARK_UPLOAD_MAX_SECONDS = 3
    client = with_token(make_user())
    sounds = {
        "not_audio": {"audio": SimpleUploadedFile("a.wav", b"no sound at all")},
        "sound_too_long": {"audio": sound(*[440] * 9)},
        "part_outside_sound": {"audio": sound(440), "start": 1.5},
    }

    for code, values in sounds.items():
        answer = send(client, wait=60, **values)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        kept = client.get(f"{ADDRESS}/{answer.json()['context']['upload']}").json()
        assert (kept["state"], kept["error"]["code"]) == ("failed", code)
    assert files_left() == []


@pytest.mark.usefixtures("desk")
def test_a_few_kilobytes_that_hold_half_an_hour_are_stopped_at_the_limit(settings, tmp_path: Path):
    settings.EARMARK_UPLOAD_MAX_SECONDS = 5
    bomb = tmp_path / "bomb.flac"
    with soundfile.SoundFile(bomb, "w", 8000, 1, format="FLAC") as file:
        for _ in range(30):
            file.write(np.full(8000 * 60, 0.25, np.float32))
    assert bomb.stat().st_size < 100_000

    with bomb.open("rb") as data:
        answer = send(with_token(make_user()), audio=data, wait=60)

    assert (answer.status_code, answer.json()["code"]) == (422, "sound_too_long")


def test_who_does_not_wait_gets_an_address_to_ask(db: None, data_dir: Path, bands: object):
    client = with_token(make_user())

    answer = send(client, audio=sound(440), wait=0)

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert client.get(answer["Location"]).json() == answer.json()
    assert with_token(make_user()).get(answer["Location"]).status_code == 404
    assert client.delete(answer["Location"]).status_code == 204
    assert client.get(answer["Location"]).status_code == 404


def test_a_deleted_upload_leaves_no_bytes(
    db: None, data_dir: Path, bands: object, django_capture_on_commit_callbacks
):
    client = with_token(make_user())
    answer = send(client, audio=sound(440), wait=0)
    assert len(files_left()) == 1

    with django_capture_on_commit_callbacks(execute=True):
        client.delete(answer["Location"])

    assert files_left() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "audio"),
        ({"audio": "text"}, "audio"),
        ({"start": "-1"}, "start"),
        ({"start": "nan"}, "start"),
        ({"end": "inf"}, "end"),
        ({"start": "1e300"}, "start"),
        ({"start": "2", "end": "1"}, "end"),
        ({"classifier": "x" * 101}, "classifier"),
        ({"wait": "soon"}, "wait"),
    ],
)
def test_input_that_makes_no_sense_is_refused_and_nothing_of_it_stays(
    values: dict[str, str], field: str, db: None, data_dir: Path, bands: object
):
    file = {} if field == "audio" else {"audio": sound(440)}

    answer = send(with_token(make_user()), **file, **values)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert list(answer.json()["context"]) == [field]
    assert files_left() == []
    assert not Upload.objects.exists()


def test_an_unknown_classifier_is_refused_and_nothing_stays(
    db: None, data_dir: Path, bands: object
):
    answer = send(with_token(make_user()), audio=sound(440), classifier="nosuch")

    assert (answer.status_code, answer.json()["code"]) == (409, "classifier_unavailable")
    assert files_left() == []


def test_a_file_that_is_too_large_is_refused_and_nothing_of_it_stays(
    db: None, data_dir: Path, bands: object, settings
):
    settings.EARMARK_UPLOAD_MAX_MB = 1

    answer = send(with_token(make_user()), audio=SimpleUploadedFile("a.wav", bytes(1 << 21)))

    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert files_left() == []


def test_with_too_many_waiting_one_is_told_to_come_back(
    db: None, data_dir: Path, bands: object, settings
):
    settings.EARMARK_UPLOAD_QUEUE = 0

    answer = send(with_token(make_user()), audio=sound(440))

    assert (answer.status_code, answer.json()["code"]) == (429, "uploads_busy")
    assert files_left() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nRIFF',
        b'--x\r\nContent-Disposition: form-data; name="audio"; filename="\r\n\r\n--x--',
        b"--x\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; "
        b'name="audio"; filename="a"\r\n\r\n***\r\n--x--',
    ],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data"])
def test_a_form_that_makes_no_sense_is_refused_and_nothing_of_it_stays(
    body: bytes, kind: str, db: None, data_dir: Path, bands: object
):
    user = make_user()
    for client in (with_token(user), signed_in(user)):
        answer = client.generic("POST", ADDRESS, body, content_type=kind)

        assert answer.status_code in (400, 415), answer.content
        assert set(answer.json()) == {"code", "message", "context"}
        assert files_left() == []


def test_names_that_want_out_of_the_folder_lead_nowhere(db: None, data_dir: Path, bands: object):
    name = "../../../../tmp/x\"; filename*=UTF-8''..%2f..%2fevil.wav"
    body = (
        f'--x\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n\r\nRIFF'
        f'\r\n--x\r\nContent-Disposition: form-data; name="audio"; filename="second"\r\n\r\nmore'
        f'\r\n--x\r\nContent-Disposition: form-data; name="other"; filename="o"\r\n\r\nmore'
        '\r\n--x\r\nContent-Disposition: form-data; name="wait"\r\n\r\n0\r\n--x--\r\n'
    )
    client = with_token(make_user())

    answer = client.generic("POST", ADDRESS, body, content_type="multipart/form-data; boundary=x")

    assert answer.status_code == 202, answer.content
    (left,) = files_left()
    assert left.name == answer.json()["id"]
    assert left.read_bytes() == b"RIFF"
    for wrong in ("..", "../secret_key", "%2e%2e%2fsecret_key", "%00", "ü", "0" * 32):
        assert client.get(f"{ADDRESS}/{wrong}").status_code == 404


def test_only_who_may_write_may_send_and_a_refused_sound_leaves_nothing(
    db: None, data_dir: Path, bands: object
):
    reader = with_token(make_user(), [Scope.READ])

    assert send(anonymous(), audio=sound(440)).status_code == 401
    assert send(reader, audio=sound(440)).status_code == 403
    assert files_left() == []


def test_a_browser_needs_its_csrf_token(db: None, data_dir: Path, bands: object):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user())

    assert send(client, audio=sound(440)).status_code == 403
    assert files_left() == []
