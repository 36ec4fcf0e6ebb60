"""Events of runs as JSON and as streams: from a real web process, to many clients at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.utils import timezone

from earmark.accounts.scopes import Scope
from earmark.jobs.api import events_stream
from earmark.jobs.api.events_feed import in_thread
from earmark.jobs.models import Run, RunEvent
from earmark.jobs.services import cancel_run
from earmark.jobs.services.events import record_events
from earmark.library.access import Role
from tests.api_client import anonymous, make_token, make_user, signed_in, with_token
from tests.factories import JobFactory, LibraryFactory, RunFactory
from tests.live_server import live_server

CLIENTS = 50


def happen(run: Run, *kinds: str, jobs: int = 1) -> None:
    record_events(RunEvent(run=run, kind=kind, jobs=jobs) for kind in kinds)


# --- as JSON ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_events_of_a_run_are_told_in_order_and_continued():
    run = RunFactory()
    happen(run, "submitted", "started")
    client = signed_in(make_user(Role.VIEWER, run.library))
    url = f"/api/v1/runs/{run.pk}/events"

    first = client.get(url).json()
    happen(run, "paused")
    second = client.get(url, {"after": first["next"]}).json()

    assert [event["kind"] for event in first["events"]] == ["submitted", "started"]
    assert [event["kind"] for event in second["events"]] == ["paused"]
    assert (first["ended"], second["ended"]) == (False, False)
    Run.objects.update(state=Run.State.CANCELLED)
    assert client.get(url, {"after": second["next"]}).json() == {
        "events": [],
        "next": second["next"],
        "ended": True,
    }


@pytest.mark.django_db
def test_the_events_of_a_library_are_those_of_all_its_runs_also_late_ones():
    library = LibraryFactory()
    early, late = RunFactory.create_batch(2, library=library)
    happen(RunFactory(), "submitted")
    happen(early, "submitted")
    client = signed_in(make_user(Role.VIEWER, library))
    url = f"/api/v1/libraries/{library.pk}/events"
    first = client.get(url).json()
    reserved = RunEvent.objects.latest("pk").pk + 1
    RunEvent.objects.create(pk=reserved + 1, run=early, kind="started")
    second = client.get(url, {"after": first["next"]}).json()
    # Its number was given out before, and it became visible only now.
    RunEvent.objects.create(pk=reserved, run=late, kind="submitted")

    third = client.get(url, {"after": second["next"]}).json()

    assert [event["run"] for event in first["events"]] == [early.pk]
    assert [event["id"] for event in second["events"]] == [reserved + 1]
    assert [event["id"] for event in third["events"]] == [reserved]


@pytest.mark.django_db
def test_the_past_of_a_library_with_many_runs_is_read_to_its_end():
    library = LibraryFactory()
    runs = Run.objects.bulk_create(Run(library=library) for _ in range(1002))
    RunEvent.objects.bulk_create(RunEvent(run=run, kind="submitted") for run in runs)
    RunEvent.objects.update(created_at=timezone.now() - timedelta(hours=1))
    client = signed_in(make_user(Role.VIEWER, library))
    url = f"/api/v1/libraries/{library.pk}/events"

    told, after = [], ""
    for _ in range(3):
        page = client.get(url, {"after": after}).json()
        told += [event["run"] for event in page["events"]]
        after = page["next"]

    assert told == [run.pk for run in runs]
    assert after == str(RunEvent.objects.latest("pk").pk)


@pytest.mark.django_db
def test_who_may_not_see_a_run_does_not_learn_that_it_exists():
    run = RunFactory()
    stranger = signed_in(make_user(Role.VIEWER, LibraryFactory()))

    for url in (f"/api/v1/runs/{run.pk}/events", f"/api/v1/libraries/{run.library_id}/events"):
        for accept in ("application/json", "text/event-stream"):
            answer = stranger.get(url, headers={"accept": accept})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert answer["Content-Type"] == "application/json"
        assert anonymous().get(url).status_code == 401
        assert with_token(make_user(superuser=True), [Scope.WRITE]).get(url).status_code == 403


@pytest.mark.django_db
def test_what_is_no_id_of_an_event_is_refused():
    run = RunFactory()
    client = signed_in(make_user(superuser=True))
    answer = client.get(f"/api/v1/runs/{run.pk}/events", {"after": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.django_db
def test_a_client_that_knows_the_end_is_told_not_to_come_back():
    run = RunFactory(state=Run.State.CANCELLED)
    happen(run, "submitted", "cancelled")
    last = RunEvent.objects.latest("pk").pk

    answer = signed_in(make_user(superuser=True)).get(
        f"/api/v1/runs/{run.pk}/events",
        headers={"accept": "text/event-stream", "last-event-id": str(last)},
    )

    assert answer.status_code == 204


# --- as streams -------------------------------------------------------------------------------


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    with live_server() as address:
        yield address


class Reader:
    """Reads server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, str, Any]:
        """Return id, kind and data of the next event."""
        values: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if line and name:
                values[name] = value
            elif not line and "data" in values:
                return values.get("id", ""), values["event"], json.loads(values["data"])
            elif not line:
                values = {}
        raise EOFError

    async def rest(self) -> list[str]:
        """Return the kinds of all that come until the stream ends."""
        kinds = []
        try:
            while True:
                kinds.append((await self.next())[1])
        except EOFError:
            return kinds


class Clients:
    """Opens streams."""

    def __init__(self, address: str, token: str) -> None:
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        self.http = httpx.AsyncClient(
            base_url=address, headers=headers, limits=limits, timeout=20, trust_env=False
        )

    @asynccontextmanager
    async def open(self, url: str, last: str = "") -> AsyncIterator[Reader]:
        headers = {"Last-Event-ID": last} if last else {}
        async with self.http.stream("GET", f"/api/v1/{url}", headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield Reader(response)


def test_a_stream_begins_with_the_state_tells_what_happens_and_ends_with_the_run(server: str):
    run = JobFactory().run
    happen(run, "submitted")
    clients = Clients(server, make_token(make_user(Role.VIEWER, run.library)))

    async def watch() -> tuple[Any, ...]:
        async with clients.open(f"runs/{run.pk}/events") as reader:
            headers = reader.response.headers
            _, kind, state = await reader.next()
            await in_thread(partial(cancel_run, run=run))
            return headers, kind, state, await reader.rest()

    headers, kind, state, rest = asyncio.run(watch())

    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert (kind, state["state"], state["jobs"]["queued"]) == ("state", "queued", 1)
    assert rest == ["cancelled", "end"]


def test_a_client_that_comes_back_misses_nothing(server: str):
    run = JobFactory().run
    clients = Clients(server, make_token(make_user(Role.VIEWER, run.library)))
    happen(run, "submitted", "started", "paused")
    ids = list(RunEvent.objects.order_by("pk").values_list("pk", flat=True))

    async def watch() -> list[tuple[str, str]]:
        async with clients.open(f"runs/{run.pk}/events", last=str(ids[0])) as reader:
            seen = [await reader.next(), await reader.next()]
        await in_thread(happen, run, "resumed")
        async with clients.open(f"runs/{run.pk}/events", last=seen[-1][0]) as reader:
            seen.append(await reader.next())
        return [(number, kind) for number, kind, _ in seen]

    seen = asyncio.run(watch())

    assert [kind for _, kind in seen] == ["started", "paused", "resumed"]
    assert [int(number) for number, _ in seen[:2]] == ids[1:]


def test_fifty_clients_hear_the_same_in_the_same_order_and_leave_nothing_behind(
    server: str, settings: Any
):
    settings.EARMARK_STREAMS_PER_USER = CLIENTS
    library = LibraryFactory()
    runs = [JobFactory(run__library=library).run for _ in range(5)]
    user = make_user(Role.VIEWER, library)
    clients = Clients(server, make_token(user))
    urls = [f"runs/{run.pk}/events" for run in runs] + [f"libraries/{library.pk}/events"] * 5

    async def listen(url: str, started: asyncio.Semaphore) -> list[tuple[int, str]]:
        async with clients.open(url) as reader:
            assert (await reader.next())[1] == "state"
            started.release()
            seen = []
            while len(seen) < (20 if url.startswith("runs") else 100):
                _, kind, data = await reader.next()
                seen.append((data["run"], kind))
            return seen

    async def watch() -> list[list[tuple[int, str]]]:
        started = asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(listen(urls[n % len(urls)], started)) for n in range(CLIENTS)
            ]
            for _ in range(CLIENTS):
                await started.acquire()
            for _ in range(10):
                for run in runs:
                    await in_thread(happen, run, "succeeded", "reused")
        return [task.result() for task in tasks]

    heard = asyncio.run(watch())

    for n, seen in enumerate(heard):
        of_run = [run.pk for run in runs] if n % len(urls) >= 5 else [runs[n % len(urls)].pk]
        for pk in of_run:
            assert [kind for run, kind in seen if run == pk] == ["succeeded", "reused"] * 10
    wait_until(lambda: len(events_stream.Seat._taken[user.pk]) == 0)


def wait_until(condition: Any) -> None:
    async def wait() -> None:
        for _ in range(200):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("nobody noticed that the clients have left")

    asyncio.run(wait())


def test_nobody_opens_streams_without_end(server: str, settings: Any):
    settings.EARMARK_STREAMS_PER_USER = 2
    run = JobFactory().run
    user = make_user(Role.VIEWER, run.library)
    clients = Clients(server, make_token(user))
    url = f"runs/{run.pk}/events"

    async def watch() -> httpx.Response:
        async with clients.open(url) as first, clients.open(url) as second:
            await first.next()
            await second.next()
            return await clients.http.get(f"/api/v1/{url}")

    refused = asyncio.run(watch())

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    wait_until(lambda: len(events_stream.Seat._taken[user.pk]) == 0)


def test_a_quiet_stream_says_that_it_is_there_and_ends_in_time_to_be_looked_at_anew(
    server: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(events_stream, "KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(events_stream, "LONGEST_S", 0.5)
    run = JobFactory().run
    clients = Clients(server, make_token(make_user(Role.VIEWER, run.library)))

    async def watch() -> list[str]:
        async with clients.open(f"runs/{run.pk}/events") as reader:
            return [line async for line in reader.response.aiter_lines()]

    lines = asyncio.run(watch())

    assert lines.count(": still here") >= 2
