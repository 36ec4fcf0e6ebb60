"""How far an operation on many files is, as it goes on: server-sent events, or the same as JSON.

An operation keeps no list of what happened: its row says how far it is. So the id of an event
stands for a state of the row, and who comes back with it is told the present state if that is
another one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.exchange.api.bulk import get_operation
from earmark.exchange.bulk.models import BulkOperation
from earmark.jobs.api.events import (
    EVENT_PARAMETERS,
    EVENT_STREAM,
    EventsView,
    open_stream,
    read_bookmark,
)
from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.api.events_feed import POLL_S, in_thread
from earmark.jobs.api.events_stream import KEEP_ALIVE_S, LONGEST_S, Seat
from earmark.jobs.api.events_wire import KEEP_ALIVE, greeting, to_message
from earmark.library.access import Role

State = BulkOperation.State

_ORDER = {State.QUEUED: 0, State.RUNNING: 1}
_OVER = 2
_TOLD = ("total", "done", "changed", "failed", "run", "error_code", "error_message")


class ProgressSerializer(serializers.ModelSerializer[BulkOperation]):
    """How far an operation is."""

    id = serializers.SerializerMethodField(help_text="Of this state of the operation.")
    operation = serializers.IntegerField(source="pk")

    class Meta:
        model = BulkOperation
        fields = ["id", "operation", "state", *_TOLD]
        read_only_fields = fields

    def get_id(self, operation: BulkOperation) -> int:
        """Return what a client says that knows this."""
        return bookmark_of(operation).base


class ProgressPageSerializer(serializers.Serializer[Any]):
    """The present state, if it is another one than the client knows."""

    events = ProgressSerializer(many=True)
    next = serializers.CharField(help_text="Ask with `after` for what comes behind this.")
    ended = serializers.BooleanField(help_text="Whether the operation is over.")


class BulkEventsView(EventsView):
    """``bulk/{id}/events``."""

    access: ClassVar[dict[str, Access]] = {"get": Access(Scope.READ, Role.VIEWER)}

    @extend_schema(
        tags=["events"],
        parameters=EVENT_PARAMETERS,
        responses={
            (200, "application/json"): ProgressPageSerializer,
            (200, EVENT_STREAM): OpenApiResponse(
                OpenApiTypes.STR,
                description="Server-sent events: `state` first where the client names no last "
                "event, `progress` whenever there is some, `end` when the operation is over.",
            ),
            204: OpenApiResponse(description="It is over and the client knows all about it."),
        },
    )
    def get(self, request: Request, operation_id: int) -> HttpResponseBase:
        """Tell how far an operation is, and with `Accept: text/event-stream` how it goes on."""
        operation = get_operation(request.user, operation_id, self.role)
        known, present = read_bookmark(request), bookmark_of(operation)
        if not self.wants_stream(request):
            news = [] if known == present else [operation]
            told = {"events": news, "next": str(present), "ended": is_over(operation)}
            return Response(ProgressPageSerializer(told).data)
        if known == present and is_over(operation):
            return Response(status=204)  # a browser connects again for ever after anything else
        return open_stream(request, lambda seat: stream_progress(operation_id, known, seat))


def is_over(operation: BulkOperation) -> bool:
    """Say whether nothing more will happen to an operation."""
    return operation.state not in _ORDER


def bookmark_of(operation: BulkOperation) -> Bookmark:
    """Return what stands for the present state: it grows as the operation goes on."""
    return Bookmark(operation.done * (_OVER + 1) + _ORDER.get(State(operation.state), _OVER))


async def stream_progress(
    operation_id: int, known: Bookmark | None, seat: Seat
) -> AsyncIterator[bytes]:
    """Yield the state of an operation whenever it is another one than is known, to its end."""
    began = told_at = time.monotonic()
    try:
        yield greeting()
        while time.monotonic() < began + LONGEST_S:
            operation = await in_thread(_read, operation_id)
            if operation is None:
                return  # gone with its library
            present, values = bookmark_of(operation), ProgressSerializer(operation).data
            if known is None:
                yield to_message("state", values, present)
            elif known != present and not is_over(operation):
                yield to_message("progress", values, present)
            if is_over(operation):
                yield to_message("end", values, present)
                return
            if known != present:
                known, told_at = present, time.monotonic()
            elif time.monotonic() > told_at + KEEP_ALIVE_S:
                told_at = time.monotonic()
                yield KEEP_ALIVE
            await asyncio.sleep(POLL_S)
    finally:
        seat.leave()


def _read(operation_id: int) -> BulkOperation | None:
    return BulkOperation.objects.filter(pk=operation_id).only("state", "done", *_TOLD).first()
