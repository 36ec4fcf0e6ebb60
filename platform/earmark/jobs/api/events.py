"""What happens to runs, as it happens: server-sent events, or pages of the same list as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

from django.conf import settings
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.views import ApiView
from earmark.core.errors import NotFoundError
from earmark.jobs.api.events_bookmark import Bookmark, BookmarkError
from earmark.jobs.api.events_reading import Channel, has_ended, last_settled, read_page
from earmark.jobs.api.events_stream import Seat, stream_events
from earmark.jobs.api.events_wire import event_values
from earmark.jobs.models import Run, RunEvent
from earmark.library.access import Role, require_library, require_role, visible_libraries

EVENT_STREAM = "text/event-stream"


class EventSerializer(serializers.Serializer[Any]):
    """Something that happened to a run."""

    id = serializers.IntegerField()
    run = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=RunEvent.Kind.choices)
    jobs = serializers.IntegerField(help_text="How many jobs it concerns.")
    audio_seconds = serializers.FloatField(help_text="Length of the sound these classified.")
    payload = serializers.DictField(help_text="More about it, depending on the kind.")
    created_at = serializers.DateTimeField()


class EventPageSerializer(serializers.Serializer[Any]):
    """Events, oldest first."""

    events = EventSerializer(many=True)
    next = serializers.CharField(help_text="Ask with `after` for what comes behind these.")
    ended = serializers.BooleanField(
        help_text="Whether this is all, unless somebody queues the run's jobs again."
    )


class EventStreamRenderer(JSONRenderer):
    """Lets clients ask for a stream; the stream itself is no rendered value."""

    media_type = EVENT_STREAM
    format = ""  # asked for by Accept only, as browsers do
    charset = "utf-8"


EVENT_PARAMETERS = [
    OpenApiParameter(
        "after", str, description="Only what comes behind: `next` of a page, or the id of an event."
    ),
    OpenApiParameter(
        "Last-Event-ID",
        str,
        OpenApiParameter.HEADER,
        description="The same, as browsers send it when they connect again.",
    ),
]
_describe = extend_schema(
    tags=["events"],
    parameters=EVENT_PARAMETERS,
    responses={
        (200, "application/json"): EventPageSerializer,
        (200, EVENT_STREAM): OpenApiResponse(
            OpenApiTypes.STR,
            description="Server-sent events: `state` first where the client names no last event, "
            "then one for each event with its kind as name, `end` when the run has ended.",
        ),
        204: OpenApiResponse(description="The run has ended and the client knows all about it."),
    },
)


class EventsView(ApiView):
    """What all have in common that tell of something as it happens."""

    access: ClassVar[dict[str, Access]] = {"get": Access(scope=Scope.READ, role=Role.VIEWER)}
    renderer_classes = (JSONRenderer, EventStreamRenderer)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Tell errors in JSON, whatever was asked for."""
        if isinstance(response, Response):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)

    @staticmethod
    def wants_stream(request: Request) -> bool:
        """Say whether the client accepts a stream first."""
        return isinstance(request.accepted_renderer, EventStreamRenderer)


class _ChannelView(EventsView):
    """What runs and libraries have in common."""

    def answer(self, request: Request, channel: Channel) -> HttpResponseBase:
        """Return a page, or a stream where the client accepts that first."""
        bookmark = read_bookmark(request)
        if self.wants_stream(request):
            return _stream(request, channel, bookmark)
        bookmark = bookmark or Bookmark()
        events = read_page(channel, bookmark)
        settled = last_settled(channel, events)
        for event in events:
            bookmark = channel.past(bookmark, event, settled)
        ended = has_ended(channel) and not read_page(channel, bookmark, 1)
        values = [event_values(event) for event in events]
        return Response({"events": values, "next": str(bookmark), "ended": ended})


class RunEventsView(_ChannelView):
    """``runs/{id}/events``."""

    @_describe
    def get(self, request: Request, run_id: int) -> HttpResponseBase:
        """Tell what has happened to a run, and with `Accept: text/event-stream` what happens."""
        runs = Run.objects.select_related("library")
        run = runs.filter(pk=run_id, library__in=visible_libraries(request.user)).first()
        if run is None:
            raise NotFoundError("There is no such run.")
        require_role(request.user, run.library, self.role)
        return self.answer(request, Channel(run=run.pk))


class LibraryEventsView(_ChannelView):
    """``libraries/{id}/events``."""

    @_describe
    def get(self, request: Request, library_id: int) -> HttpResponseBase:
        """Tell what has happened to all runs of a library, or as a stream what happens."""
        library = require_library(request.user, library_id, self.role)
        return self.answer(request, Channel(library=library.pk))


def read_bookmark(request: Request) -> Bookmark | None:
    """Return the last event that a client knows, if it says so.

    Raises
    ------
    rest_framework.exceptions.ValidationError
        If that is no id of an event.
    """
    text = request.headers.get("Last-Event-ID") or request.query_params.get("after")
    if not text:
        return None
    try:
        return Bookmark.parse(text)
    except BookmarkError as error:
        raise ValidationError({"after": ["Is not the id of an event."]}) from error


def open_stream(
    request: Request, stream: Callable[[Seat], AsyncIterator[bytes]]
) -> StreamingHttpResponse:
    """Answer with a stream, which gives its seat back when it ends.

    Raises
    ------
    TooManyStreamsError
        If who asks has too many open.
    """
    assert request.user.pk is not None
    seat = Seat.take(request.user.pk, settings.EARMARK_STREAMS_PER_USER)
    # A stream lasts; the connection with which its right was looked up shall not.
    close_old_connections()
    response = StreamingHttpResponse(stream(seat), content_type=f"{EVENT_STREAM}; charset=utf-8")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


def _stream(request: Request, channel: Channel, bookmark: Bookmark | None) -> HttpResponseBase:
    told_all = bookmark is not None and not read_page(channel, bookmark, 1)
    if told_all and has_ended(channel):
        return Response(status=204)  # a browser connects again for ever after anything else
    return open_stream(request, lambda seat: stream_events(channel, bookmark, seat))
