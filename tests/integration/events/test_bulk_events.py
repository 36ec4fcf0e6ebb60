"""How far operations on many files are, as JSON and as a stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from earmark.exchange.api import bulk_events
from earmark.exchange.api.bulk_events import stream_progress
from earmark.exchange.bulk import working
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import submit_operation
from earmark.exchange.bulk.working import run_next_operation
from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.api.events_feed import in_thread
from earmark.jobs.api.events_stream import Seat
from earmark.library.access import Role
from earmark.library.models import Library
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, LibraryFactory


@pytest.fixture
def library(db: None) -> Library:
    library = LibraryFactory()
    AudioFileFactory.create_batch(3, library=library)
    return library


def submit(library: Library, user: User) -> BulkOperation:
    return submit_operation(
        library=library,
        kind=BulkOperation.Kind.ADD,
        requested_by=user,
        options={"tags": ["Gate"], "write": False},
    )


def work(*, once: bool = False) -> None:
    run_next_operation(worker="one", should_stop=lambda: once)


def test_the_present_state_is_told_to_those_who_do_not_know_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(working, "SLICE", 2)
    editor = make_user(Role.EDITOR, library)
    url = f"/api/v1/bulk/{submit(library, editor).pk}/events"
    client = signed_in(make_user(Role.VIEWER, library))

    first = client.get(url).json()
    assert (first["events"][0]["state"], first["events"][0]["total"]) == ("queued", 3)
    assert client.get(url, {"after": first["next"]}).json()["events"] == []
    work(once=True)
    second = client.get(url, {"after": first["next"]}).json()
    assert ([event["done"] for event in second["events"]], second["ended"]) == ([2], False)
    work()
    third = client.get(url, {"after": second["next"]}).json()
    assert ([event["state"] for event in third["events"]], third["ended"]) == (["finished"], True)

    knows = {"accept": "text/event-stream", "last-event-id": third["next"]}
    assert client.get(url, headers=knows).status_code == 204
    assert client.get(url, {"after": "x"}).status_code == 400
    assert signed_in(make_user()).get(url).status_code == 404


def read(message: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return id, kind and values of an event."""
    head = dict(line.split(": ", 1) for line in message.decode().strip().splitlines())
    return head["id"], head["event"], json.loads(head["data"])


@pytest.mark.django_db(transaction=True)
def test_a_stream_tells_of_progress_and_ends_with_the_operation(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(working, "SLICE", 2)
    monkeypatch.setattr(bulk_events, "POLL_S", 0.01)
    monkeypatch.setattr(bulk_events, "KEEP_ALIVE_S", 0.02)
    user = make_user(Role.EDITOR, library)
    operation, seat = submit(library, user), Seat.take(user.pk, 1)

    async def watch() -> list[bytes]:
        stream = stream_progress(operation.pk, None, seat)
        heard = [await anext(stream), await anext(stream), await anext(stream)]
        await in_thread(lambda: work(once=True))
        while not (heard[-1].startswith(b"id:") and b"progress" in heard[-1]):
            heard.append(await anext(stream))
        await in_thread(work)
        return heard + [message async for message in stream]

    messages = asyncio.run(watch())

    assert b": still here\n\n" in messages
    events = [read(message) for message in messages if message.startswith(b"id:")]
    assert [kind for _, kind, _ in events] == ["state", "progress", "end"]
    assert [values["done"] for _, _, values in events] == [0, 2, 3]
    assert Seat.take(user.pk, 1) is not seat

    async def come_back(known: str) -> list[str]:
        stream = stream_progress(operation.pk, Bookmark.parse(known), seat)
        return [read(message)[1] async for message in stream if message.startswith(b"id:")]

    assert asyncio.run(come_back(events[1][0])) == ["end"]
