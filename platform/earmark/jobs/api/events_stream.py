"""A stream of server-sent events for one client."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar
from weakref import WeakSet

from earmark.core.errors import EarmarkError
from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.api.events_feed import Listener, get_feed, in_thread
from earmark.jobs.api.events_reading import (
    PAGE,
    Channel,
    has_ended,
    last_settled,
    read_newest,
    read_page,
    read_state,
)
from earmark.jobs.api.events_wire import KEEP_ALIVE, event_values, greeting, to_message
from earmark.jobs.models import RunEvent

KEEP_ALIVE_S = 15.0
LONGEST_S = 600.0
"""A stream ends after so long, and the client comes back with its bookmark: whether it may still
see the run is asked anew."""

_ENDS = frozenset({RunEvent.Kind.FINISHED, RunEvent.Kind.CANCELLED})


class TooManyStreamsError(EarmarkError):
    """Somebody listens in too many places at once."""

    code = "too_many_streams"
    hint = "Close some of them; one stream of a library tells of all its runs."
    status = 429


class Seat:
    """The right to one stream. It ends with the stream, or when nobody holds it any more."""

    _taken: ClassVar[defaultdict[int, WeakSet[Seat]]] = defaultdict(WeakSet)

    def __init__(self, user: int) -> None:
        self._user = user

    @classmethod
    def take(cls, user: int, most: int) -> Seat:
        """Return a seat for a user of this web process.

        Raises
        ------
        TooManyStreamsError
            If the user has `most` already.
        """
        if len(cls._taken[user]) >= most:
            raise TooManyStreamsError(f"You have {most} streams of events open already.")
        seat = cls(user)
        cls._taken[user].add(seat)
        return seat

    def leave(self) -> None:
        """Give it back."""
        self._taken[self._user].discard(self)


async def stream_events(
    channel: Channel, bookmark: Bookmark | None, seat: Seat
) -> AsyncIterator[bytes]:
    """Yield what has happened since a bookmark, then what happens, until the run has ended.

    Without a bookmark the stream begins with the present state (``event: state``) and tells only
    of what comes after. The end of a run is an ``event: end`` with its last state.
    """
    feed = get_feed()
    listener = feed.join(channel)
    try:
        yield greeting()
        await listener.ready()
        if bookmark is None:
            # The place first: what happens in between is told twice rather than never.
            bookmark = await in_thread(read_newest, channel)
            yield to_message("state", await in_thread(read_state, channel), bookmark)
        async for piece in _Stream(channel, bookmark, listener).pieces():
            yield piece
    finally:
        feed.leave(channel, listener)
        seat.leave()


class _Stream:
    def __init__(self, channel: Channel, bookmark: Bookmark, listener: Listener) -> None:
        self._channel, self._bookmark, self._listener = channel, bookmark, listener
        self._may_have_ended = True

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the past, then the present."""
        while page := await in_thread(read_page, self._channel, self._bookmark):
            yield self._tell(page, await in_thread(last_settled, self._channel, page))
            if len(page) < PAGE:
                break
        until = time.monotonic() + LONGEST_S
        while time.monotonic() < until:
            if self._may_have_ended and await self._has_ended():
                yield to_message("end", await in_thread(read_state, self._channel), self._bookmark)
                return
            batch = await self._listener.wait(KEEP_ALIVE_S)
            if batch is None:
                return
            # What was there already when the past was read comes a second time.
            yield self._tell(batch.events) or KEEP_ALIVE
            self._bookmark = self._bookmark.raised_to(batch.base)

    def _tell(self, events: Sequence[RunEvent], settled: int = 0) -> bytes:
        """Return those events that are new as messages, and remember them; see `Channel.past`."""
        messages = []
        for event in events:
            if event.pk > self._bookmark.last_of(event.run_id):
                self._bookmark = self._channel.past(self._bookmark, event, settled)
                messages.append(to_message(event.kind, event_values(event), self._bookmark))
                self._may_have_ended = self._may_have_ended or event.kind in _ENDS
        return b"".join(messages)

    async def _has_ended(self) -> bool:
        """Say whether the run is over and everything about it is told."""
        self._may_have_ended = False
        if not await in_thread(has_ended, self._channel):
            return False
        self._may_have_ended = True
        return not await in_thread(read_page, self._channel, self._bookmark, 1)
