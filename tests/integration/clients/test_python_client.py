"""The Python client against a real server, and against servers that misbehave."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from earmark.accounts.scopes import Scope
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import cancel_operation
from earmark.jobs.models import Run, RunEvent
from earmark.jobs.services import cancel_run
from earmark.library.access import Role
from earmark.library.models import Library
from earmark.search.services.indexing import index_changes
from earmark.tagging.knowledge.tags import Rule, Why
from earmark.tagging.models import Tag
from earmark.webhooks.models import Webhook
from earmark.webhooks.signing import sign
from earmark_client import (
    Earmark,
    EarmarkConnectionError,
    EarmarkHttpError,
    InvalidSignatureError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    ServerError,
    restore_cell,
    verify,
)
from tests.api_client import make_token, make_user
from tests.factories import AudioFileFactory, JobFactory, LibraryFactory
from tests.live_server import live_server
from tests.servers import free_port


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    with live_server() as address:
        yield address


@pytest.fixture
def library(transactional_db: None) -> Library:
    library = LibraryFactory(name="Foley", root="/sounds")
    for number in range(7):
        file = AudioFileFactory(library=library, path=f"Dogs/={number}.wav")
        Tag.objects.create(
            file=file,
            name="Bark",
            confidence=0.9,
            origin="classifier",
            label="Bark",
            why=Why(Rule.THRESHOLD, (), ()).as_dict(),
            created_at=timezone.now(),
        )
    return library


def test_what_people_do_with_it(server: str, library: Library, tmp_path: Path):
    """One start of a server for all of it."""
    token = make_token(make_user(Role.MANAGER, library))
    index_changes()
    with Earmark(server, token) as earmark:
        (found,) = earmark.libraries()
        assert found["name"] == "Foley"

        files = list(earmark.files(page_size=3))
        assert len({file["id"] for file in files}) == 7
        assert earmark.file(files[0]["id"])["path"] == files[0]["path"]
        assert len(list(earmark.search("bark", page_size=2))) == 7

        known = earmark.look_up(["/sounds/Dogs/=3.wav", "/sounds/other.wav"])
        assert [file["name"] for file in known["/sounds/Dogs/=3.wav"]] == ["=3.wav"]
        assert known["/sounds/other.wav"] == []
        (tag,) = earmark.tags(files[0]["id"])["tags"]
        assert tag["name"] == "Bark"

        check_exports(earmark, library, tmp_path)
        check_webhooks(earmark, library)
        check_errors(earmark, server, library)
        check_events(earmark, library)
        check_changes(earmark, library)


def check_exports(earmark: Earmark, library: Library, folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(b"".join(earmark.export()).decode("utf-8-sig"))))
    assert len(rows) == 7
    target = folder / "foley.txt"
    written = earmark.save_export(target, "soundminer", library=library.pk)
    assert target.stat().st_size == written
    cells = target.read_text("utf-8").splitlines()[1].split("\t")
    assert (cells[0], restore_cell(cells[0])) == ("'=0.wav", "=0.wav")
    with pytest.raises(FileExistsError):
        earmark.save_export(target)
    with pytest.raises(EarmarkHttpError):
        earmark.save_export(folder / "odd.txt", "odd")
    assert not (folder / "odd.txt").exists()


def check_webhooks(earmark: Earmark, library: Library) -> None:
    made = earmark.create_webhook("https://studio.example/", ["run.finished"], library.pk)
    assert made["secret"] == Webhook.objects.get().secret
    assert earmark.test_webhook(made["id"])["event"] == "webhook.test"


def check_errors(earmark: Earmark, server: str, library: Library) -> None:
    with pytest.raises(NotFoundError) as unknown:
        earmark.run(999)
    assert (unknown.value.status, unknown.value.code) == (404, "not_found")
    reader = make_token(make_user(Role.VIEWER, library), [Scope.READ])
    with Earmark(server, reader) as other, pytest.raises(NotAllowedError):
        other.submit_run(library.pk)
    with Earmark(server, "em_wrong") as nobody, pytest.raises(NotSignedInError):
        list(nobody.libraries())
    with pytest.raises(EarmarkHttpError) as wrong:
        earmark.create_webhook("ftp://studio.example/", ["run.finished"], library.pk)
    assert wrong.value.code == "invalid_webhook"


def check_events(earmark: Earmark, library: Library) -> None:
    run = JobFactory(run__library=library, file__library=library).run
    assert earmark.run(run.pk)["state"] == "queued"
    events = earmark.run_events(run.pk)
    first = next(events)
    assert (first.kind, first.data["jobs"]["queued"]) == ("state", 1)
    cancel_run(run=run)
    assert [event.kind for event in events] == ["cancelled", "end"]
    assert [event.kind for event in earmark.run_events(run.pk, after="0")][-1] == "end"
    assert list(earmark.run_events(run.pk, after=str(RunEvent.objects.latest("pk").pk))) == []
    assert earmark.wait_for(run.pk)["state"] == Run.State.CANCELLED


def check_changes(earmark: Earmark, library: Library) -> None:
    barking = {"q": "bark", "folder": "Dogs"}
    assert earmark.preview(library.pk, search=barking)["total"] == 7
    operation = earmark.change_files(library.pk, "add", tags=["Loud"], search=barking)
    assert (operation["state"], operation["total"]) == ("queued", 7)
    events = earmark.change_events(operation["id"])
    assert next(events).kind == "state"
    cancel_operation(operation=BulkOperation.objects.get())
    assert [(event.kind, event.data["state"]) for event in events] == [("end", "cancelled")]


# --- servers that misbehave -------------------------------------------------------------------

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def scripted(*answers: Answer | None) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Answer requests as told, one after the other; None hangs up."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = answers[min(len(asked), len(answers) - 1)]
            asked.append((f"{self.command} {self.path}", dict(self.headers)))
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do  # noqa: N815

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ok(value: Any) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


BUSY: Answer = (503, {}, b"")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark_client.transport._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("earmark_client.events._PAUSE_S", 0.01)


def test_what_may_come_twice_is_sent_again_after_a_broken_connection_or_an_overload():
    with scripted(None, BUSY, ok({"id": 7})) as (url, asked), Earmark(url) as earmark:
        assert earmark.run(7) == {"id": 7}
    assert [line for line, _ in asked] == ["GET /api/v1/runs/7"] * 3


def test_a_post_is_sent_again_under_the_same_key():
    with scripted(BUSY, ok({"id": 7})) as (url, asked), Earmark(url) as earmark:
        assert earmark.submit_run(1) == {"id": 7}
    keys = {headers["Idempotency-Key"] for _, headers in asked}
    assert (len(asked), len(keys)) == (2, 1)


def test_it_gives_up_after_some_tries_and_at_once_where_trying_is_useless():
    with scripted(BUSY) as (url, asked), Earmark(url, tries=3) as earmark:
        with pytest.raises(ServerError) as told:
            earmark.run(7)
        assert (told.value.code, len(asked)) == ("http_503", 3)
    refusal = (400, {}, b'{"code": "x", "message": "No.", "context": {"a": 1}}')
    with scripted(refusal) as (url, asked), Earmark(url) as earmark:
        with pytest.raises(EarmarkHttpError) as refused:
            earmark.run(7)
        assert (refused.value.code, refused.value.context, len(asked)) == ("x", {"a": 1}, 1)
    nobody = Earmark(f"http://127.0.0.1:{free_port()}")
    with nobody, pytest.raises(EarmarkConnectionError):
        nobody.run(7)


def test_an_answer_that_is_not_earmarks_is_told_as_it_is():
    refused = pytest.raises(EarmarkHttpError, match=r"\[http_418\]")
    with scripted((418, {}, b"<html>")) as (url, _), Earmark(url) as earmark, refused:
        earmark.run(7)


def test_events_go_on_where_a_broken_connection_left_them():
    stream = {"Content-Type": "text/event-stream"}
    first = b'retry: 1\n\nid: 5\nevent: started\ndata: {"jobs": 1}\n\n: still here\n\nid: 6\nev'
    second = b"id: 6\nevent: finished\ndata: {}\n\nid: 6\nevent: end\ndata: {}\n\n"
    answers = ((200, stream, first), BUSY, (200, stream, second))
    with scripted(*answers) as (url, asked), Earmark(url) as earmark:
        events = list(earmark.run_events(7, after="4"))
    assert [(event.id, event.kind) for event in events] == [
        ("5", "started"),
        ("6", "finished"),
        ("6", "end"),
    ]
    assert [headers["Last-Event-ID"] for _, headers in asked] == ["4", "5", "5"]


def test_an_export_that_breaks_off_leaves_no_file(tmp_path: Path):
    cut_off = (200, {"Content-Length": "100"}, b"id,path\r\n")
    broken = pytest.raises(EarmarkConnectionError)
    with scripted(cut_off) as (url, _), Earmark(url) as earmark, broken:
        earmark.save_export(tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


# --- signatures -------------------------------------------------------------------------------

BODY = b'{"event": "run.finished"}'


def test_a_message_as_earmark_signs_it_is_genuine():
    verify(body=BODY, signature=sign(secret="s", body=BODY, now=1000), secret="s", now=1100)


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"secret": "other"},
        {"now": 1000 + 301},
        {"now": 1000 - 301},
        {"signature": ""},
        {"signature": "t=1000"},
        {"signature": "t=x,v1=y"},
        {"signature": sign(secret="s", body=BODY, now=1000).replace("t=1000", "t=1001")},
        {"signature": "t=1000,v1=ü"},
    ],
)
def test_anything_else_is_not(changed: dict[str, Any]):
    genuine = {"body": BODY, "secret": "s", "now": 1100}
    genuine["signature"] = sign(secret="s", body=BODY, now=1000)
    with pytest.raises(InvalidSignatureError):
        verify(**{**genuine, **changed})
