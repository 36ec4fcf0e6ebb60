"""Live events: one reader of the database for all who listen to the same run or library.

The table of events is the only source; a process that dies loses nothing. In each web process one
task per `Channel` asks the table once a second and hands what is new to its listeners. It ends
with the last of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

import structlog
from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections

from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.api.events_reading import (
    PAGE,
    SETTLED_AFTER,
    Channel,
    read_newest,
    read_page,
)
from earmark.jobs.models import RunEvent

log = structlog.get_logger(__name__)

POLL_S = 1.0
MOST_WAITING = 100
"""Batches a listener may leave lying before it is sent away to come back with its bookmark."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Batch:
    """New events of a channel; none where only time has passed.

    Attributes
    ----------
    events : sequence of RunEvent
    base : int
        Up to this id there will be no further ones behind this batch.
    """

    events: Sequence[RunEvent] = ()
    base: int = 0


class Listener:
    """Somebody who gets the batches of a channel as they come."""

    def __init__(self, ready: asyncio.Event) -> None:
        self._ready = ready
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue(MOST_WAITING)

    async def ready(self) -> None:
        """Wait until nothing that happens from now on can be missed."""
        await self._ready.wait()

    def give(self, batch: Batch) -> None:
        """Hand over a batch; who lets too many lie is sent away."""
        if self._batches.full():
            while not self._batches.empty():
                self._batches.get_nowait()
            self._batches.put_nowait(None)
        else:
            self._batches.put_nowait(batch)

    async def wait(self, seconds: float) -> Batch | None:
        """Return the next batch, an empty one if none came in time, or None if this is the end."""
        try:
            return await asyncio.wait_for(self._batches.get(), seconds)
        except TimeoutError:
            return Batch()


class _Poller:
    """Reads one channel for all its listeners."""

    def __init__(self, channel: Channel) -> None:
        self.listeners: set[Listener] = set()
        self.ready = asyncio.Event()
        self._channel = channel
        self._bookmark = Bookmark()
        self._seen: deque[tuple[float, int]] = deque()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                if self.ready.is_set():
                    await self._read()
                else:
                    self._bookmark = await in_thread(read_newest, self._channel)
                    self.ready.set()
            except Error as error:
                # The listeners are told by nothing but silence; the table will be back.
                log.warning("events_not_read", reason=str(error))
            await asyncio.sleep(POLL_S)

    async def _read(self) -> None:
        asked_at = time.monotonic()
        while events := await in_thread(read_page, self._channel, self._bookmark):
            for event in events:
                self._bookmark = self._channel.past(self._bookmark, event)
            self._seen.append((asked_at, max(event.pk for event in events)))
            for listener in tuple(self.listeners):
                listener.give(Batch(events, self._bookmark.base))
            if len(events) < PAGE:
                break
        settled = asked_at - SETTLED_AFTER.total_seconds()
        while self._seen and self._seen[0][0] < settled:
            self._bookmark = self._bookmark.raised_to(self._seen.popleft()[1])


class Feed:
    """All channels that somebody of this process listens to."""

    def __init__(self) -> None:
        self._pollers: dict[Channel, tuple[_Poller, asyncio.Task[None]]] = {}

    def join(self, channel: Channel) -> Listener:
        """Begin to listen: batches that come from now on are kept for the listener."""
        if channel not in self._pollers:
            poller = _Poller(channel)
            self._pollers[channel] = poller, asyncio.create_task(poller.run())
        poller, _ = self._pollers[channel]
        listener = Listener(poller.ready)
        poller.listeners.add(listener)
        return listener

    def leave(self, channel: Channel, listener: Listener) -> None:
        """End it; with its last listener a channel is not read any longer."""
        poller, task = self._pollers[channel]
        poller.listeners.discard(listener)
        if not poller.listeners:
            del self._pollers[channel]
            task.cancel()

    def __len__(self) -> int:
        return sum(len(poller.listeners) for poller, _ in self._pollers.values())


_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()


def get_feed() -> Feed:
    """Return the feed of the running event loop."""
    return _feeds.setdefault(asyncio.get_running_loop(), Feed())


async def in_thread(read: Callable[..., _T], *arguments: object) -> _T:
    """Ask the database in a thread of the process, not of a request that may last for hours."""

    def ask() -> _T:
        try:
            return read(*arguments)
        finally:
            with suppress(Error):
                close_old_connections()

    return await sync_to_async(ask, thread_sensitive=False)()
