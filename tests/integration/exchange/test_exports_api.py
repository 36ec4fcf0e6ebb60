"""GET /api/v1/exports: who gets what, and how it is called."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError

from earmark.accounts.models import AuditEntry
from earmark.accounts.scopes import Scope
from earmark.exchange.exports.selectors import BatchReader
from earmark.jobs.models import PredictionSet
from earmark.jobs.timeline import pack_timeline
from earmark.library.access import Role
from earmark.library.models import AudioFile
from earmark.library.services import register_library, scan_library
from tests.api_client import anonymous, make_token, make_user, signed_in, with_token
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    RunFactory,
    make_sound,
)
from tests.live_server import live_server

pytestmark = pytest.mark.django_db

URL = "/api/v1/exports"


def content(answer: Any) -> str:
    async def collect() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    assert answer.status_code == 200, answer.content
    return async_to_sync(collect)().decode("utf-8-sig")


def ids(answer: Any) -> list[int]:
    return [int(row["id"]) for row in csv.DictReader(io.StringIO(content(answer), newline=""))]


def test_a_viewer_gets_the_files_of_the_libraries_they_see():
    mine, theirs = AudioFileFactory.create_batch(2)
    client = signed_in(make_user(Role.VIEWER, mine.library))

    answer = client.get(URL)

    assert answer["Content-Type"].startswith("text/csv; charset=utf-8")
    assert answer["Content-Disposition"] == 'attachment; filename="earmark.csv"'
    assert ids(answer) == [mine.pk]
    assert client.get(URL, {"library": theirs.library_id}).status_code == 404
    assert client.get(URL, {"run": RunFactory(library=theirs.library).pk}).status_code == 404
    assert client.get(URL, {"file": theirs.pk}).json()["code"] == "selection_invalid"


def test_library_run_query_and_files_narrow_it_down():
    library = LibraryFactory()
    first, second = AudioFileFactory.create_batch(2, library=library)
    third = AudioFileFactory()
    job = JobFactory(run__library=library, file=second)
    client = signed_in(make_user(superuser=True))

    assert ids(client.get(URL)) == [first.pk, second.pk, third.pk]
    assert ids(client.get(URL, {"library": library.pk})) == [first.pk, second.pk]
    entry = AuditEntry.objects.filter(act="exported").latest("pk")
    assert entry.details["library"] == library.pk
    assert ids(client.get(URL, {"run": job.run_id})) == [second.pk]
    assert ids(client.get(URL, {"query": first.path.split()[1]})) == [first.pk]
    assert ids(client.get(URL, {"file": [first.pk, third.pk]})) == [first.pk, third.pk]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("soundminer", "text/tab-separated-values; charset=utf-8"),
        ("basehead", "text/tab-separated-values; charset=utf-8"),
        ("jsonl", "application/jsonl; charset=utf-8"),
    ],
)
def test_each_form_says_what_it_is_whatever_the_client_accepts(name: str, media_type: str):
    AudioFileFactory()
    client = with_token(make_user(superuser=True), [Scope.READ])

    answer = client.get(URL, {"format": name}, headers={"accept": "text/csv"})

    assert answer["Content-Type"] == media_type
    assert "sound " in content(answer)


def test_a_label_track_of_one_file(tmp_path: Any):
    make_sound(tmp_path / "a.wav")
    library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    file = AudioFile.objects.get()
    client = signed_in(make_user(Role.VIEWER, library))
    query = {"format": "audacity", "file": file.pk}

    assert client.get(URL, query).json()["code"] == "file_changed"
    AudioFile.objects.update(audio_hash="heard")
    assert client.get(URL, query).json()["code"] == "no_timeline"
    PredictionSet.objects.create(
        classifier=ClassifierVersionFactory(name="audioset", labels=[["/m/0bt9lr", "Dog"]]),
        audio_hash="heard",
        scores=[],
        timeline=pack_timeline(np.array([[0.9]], np.float32), [(0, 5)]),
    )

    answer = client.get(URL, query)

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content == b"0.000000\t5.000000\tDog\n"
    assert client.get(URL, {"format": "audacity", "query": "odd"}).json()["code"] == "not_one_sound"


@pytest.mark.parametrize(
    "query",
    [
        {"format": "odd"},
        {"library": "x"},
        {"library": "9" * 30},
        {"query": "status:odd"},
        {"query": '"'},
        {"file": "x"},
    ],
)
def test_a_question_that_makes_no_sense_is_told_in_json(query: dict[str, str]):
    answer = signed_in(make_user(superuser=True)).get(URL, query)

    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_input", "selection_invalid"}


def test_nobody_gets_nothing():
    assert anonymous().get(URL).status_code == 401
    assert with_token(make_user(), [Scope.WRITE]).get(URL).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_an_export_that_fails_midway_is_no_complete_answer(monkeypatch: pytest.MonkeyPatch):
    AudioFileFactory.create_batch(2, library=LibraryFactory())
    token = make_token(make_user(superuser=True))

    def fail(*args: object) -> None:
        raise DatabaseError("the database went away")

    monkeypatch.setattr(BatchReader, "read", fail)
    with live_server() as server, pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        httpx.get(f"{server}{URL}", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
