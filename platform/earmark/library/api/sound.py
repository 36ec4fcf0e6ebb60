"""The sound of a file: to listen to, as a waveform, as a picture."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.http.response import StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.errors import error_body
from earmark.core.api.etags import IF_NONE_MATCH, is_unchanged, make_etag
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.library.access import Role, require_file
from earmark.library.models import AudioFile
from earmark.library.sound.drawing import get_peaks, get_spectrogram, version_of
from earmark.library.sound.errors import RangeNotSatisfiableError
from earmark.library.sound.opening import OpenSound, open_sound
from earmark.library.sound.peaks import MOST_POINTS
from earmark.library.sound.ranges import ByteRange, counts, parse_range
from earmark.library.sound.streaming import SoundBody
from earmark_files.paths import display, text_to_path

_KEEP = "private, no-cache"  # it may be kept, and is asked about each time
_NO_SCRIPTS = "default-src 'none'; sandbox"  # whatever a file holds, it is not to act as a page

_MEDIA_TYPES = {
    "wav": "audio/wav",
    "rf64": "audio/wav",
    "w64": "audio/x-w64",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "caf": "audio/x-caf",
    "au": "audio/basic",
    "mp4": "audio/mp4",
    "aac": "audio/aac",
    "asf": "audio/x-ms-wma",
    "matroska": "audio/x-matroska",
    "wavpack": "audio/x-wavpack",
}
"""By container as identified, or as the name ends where nobody has looked yet."""

_BY_ENDING = {
    "m4a": "mp4",
    "wma": "asf",
    "wv": "wavpack",
    "aif": "aiff",
    "opus": "ogg",
    "oga": "ogg",
}

_BYTES = OpenApiTypes.BINARY


class AnyNegotiation(BaseContentNegotiation):
    """Errors are JSON, whatever the client hopes to hear."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        """There is no body to parse."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer of errors."""
        return JSONRenderer(), JSONRenderer.media_type


class SoundView(ApiView):
    """What these views have in common: they read one file."""

    access: ClassVar[dict[str, Access]] = {"get": Access(Scope.READ, Role.VIEWER)}
    content_negotiation_class = AnyNegotiation
    pagination_class = None
    filter_backends = ()

    def find_file(self, request: Request, file_id: int) -> AudioFile:
        """Return the file."""
        return require_file(request.user, file_id, self.role)


class AudioView(SoundView):
    """The bytes of a file, as a player asks for them."""

    @extend_schema(
        operation_id="files_audio",
        summary="Listen to a file",
        description="The file as it is stored. One range of bytes is answered with 206; several "
        "at once with the whole file.",
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="`bytes=0-999`"),
            OpenApiParameter(
                "If-Range",
                str,
                OpenApiParameter.HEADER,
                description="The `ETag` of the file the range is of; else all of it comes.",
            ),
            IF_NONE_MATCH,
        ],
        responses={
            (200, "audio/*"): _BYTES,
            (206, "audio/*"): _BYTES,
            304: OpenApiResponse(description="The client has it."),
            **errors(416),
        },
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        """Stream the file."""
        file = self.find_file(request, file_id)
        sound = open_sound(file)
        try:
            response = self._answer(request, file, sound)
        except BaseException:
            sound.close()
            raise
        if not isinstance(response, StreamingHttpResponse):
            sound.close()
        return response

    def _answer(self, request: Request, file: AudioFile, sound: OpenSound) -> HttpResponseBase:
        etag = make_etag(file.pk, sound.size, sound.mtime_ns)
        if is_unchanged(request, etag):
            return _headers(HttpResponseNotModified(), file, sound, etag)
        wanted: ByteRange | None = None
        header = request.headers.get("Range")
        if header is not None and counts(request.headers.get("If-Range"), etag):
            try:
                wanted = parse_range(header, sound.size)
            except RangeNotSatisfiableError as error:
                body = error_body(error.code, str(error), error.context)
                beyond = f"bytes */{sound.size}"
                return Response(body, status=error.status, headers={"Content-Range": beyond})
        part = wanted or ByteRange(0, sound.size, sound.size)
        response: HttpResponseBase
        if request.method == "HEAD":
            response = HttpResponse()
        else:
            response = StreamingHttpResponse(SoundBody(sound, part.first, part.length))
        response["Content-Length"] = str(part.length)
        if wanted is not None:
            response.status_code = 206
            response["Content-Range"] = wanted.content_range
        return _headers(response, file, sound, etag)


class PeaksInput(serializers.Serializer[Any]):
    """How fine a waveform is wanted."""

    points = serializers.IntegerField(
        min_value=1, max_value=MOST_POINTS, default=1024, help_text="The most points."
    )
    bits = serializers.ChoiceField(
        choices=[8, 16], default=8, help_text="Of each value: full scale is 127 or 32,767."
    )


class PeaksSerializer(serializers.Serializer[Any]):
    """A waveform as audiowaveform writes it, in version 2 of its format."""

    version = serializers.IntegerField()
    channels = serializers.IntegerField(help_text="Always 1: the mean of all channels.")
    sample_rate = serializers.IntegerField()
    samples_per_pixel = serializers.IntegerField()
    bits = serializers.IntegerField()
    length = serializers.IntegerField(help_text="Number of points.")
    data = serializers.ListField(  # type: ignore[assignment]
        child=serializers.IntegerField(),
        help_text="The lowest and the highest value of each point, in turn.",
    )


class PeaksView(SoundView):
    """The waveform of a file, for programs that draw it."""

    @extend_schema(
        operation_id="files_peaks",
        summary="The waveform of a file",
        parameters=[PeaksInput, IF_NONE_MATCH],
        responses={
            200: PeaksSerializer,
            304: OpenApiResponse(description="The client has it."),
            **errors(422),
        },
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        """Return the waveform."""
        file = self.find_file(request, file_id)
        values = self.read_input(PeaksInput, request.query_params)
        etag = make_etag("peaks", version_of(file), *values.values())
        if is_unchanged(request, etag):
            return _kept(HttpResponseNotModified(), etag)
        peaks = get_peaks(file).reduce_to(values["points"])
        return _kept(self.render(peaks, values["bits"]), etag)

    def render(self, peaks: Any, bits: int) -> HttpResponseBase:
        """Return the answer in this view's format."""
        return Response(peaks.to_json(bits))


class PeaksDataView(PeaksView):
    """The same in the binary form."""

    @extend_schema(
        operation_id="files_peaks_dat",
        summary="The waveform of a file, in binary form",
        parameters=[PeaksInput, IF_NONE_MATCH],
        responses={
            (200, "application/octet-stream"): _BYTES,
            304: OpenApiResponse(description="The client has it."),
            **errors(422),
        },
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        """Return the waveform."""
        return super().get(request, file_id)

    def render(self, peaks: Any, bits: int) -> HttpResponseBase:
        """Return the answer in this view's format."""
        return HttpResponse(peaks.to_dat(bits), content_type="application/octet-stream")


class SpectrogramInput(serializers.Serializer[Any]):
    """How large a picture is wanted."""

    width = serializers.IntegerField(
        min_value=1, max_value=4096, default=1024, help_text="Pixels; the sound fills them."
    )
    height = serializers.IntegerField(
        min_value=1,
        max_value=1024,
        default=256,
        help_text="Pixels, from 40 Hz to half the sample rate, each octave as high as the next.",
    )


class SpectrogramView(SoundView):
    """A picture of which pitches are in a file when."""

    @extend_schema(
        operation_id="files_spectrogram",
        summary="The spectrogram of a file",
        parameters=[SpectrogramInput, IF_NONE_MATCH],
        responses={
            (200, "image/png"): _BYTES,
            304: OpenApiResponse(description="The client has it."),
            **errors(422),
        },
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        """Return the picture."""
        file = self.find_file(request, file_id)
        size = self.read_input(SpectrogramInput, request.query_params)
        etag = make_etag("spectrogram", version_of(file), *size.values())
        if is_unchanged(request, etag):
            return _kept(HttpResponseNotModified(), etag)
        picture = get_spectrogram(file, **size)
        return _kept(HttpResponse(picture, content_type="image/png"), etag)


def _headers(
    response: HttpResponseBase, file: AudioFile, sound: OpenSound, etag: str
) -> HttpResponseBase:
    """Say what the bytes are, and what they may not do in a browser."""
    # As shown to people: a name may hold line breaks, or letters that hide others.
    name = display(text_to_path(file.path.rpartition("/")[2]))
    response["Content-Type"] = _media_type(file)
    response["Content-Disposition"] = content_disposition_header(False, name) or "inline"
    response["Content-Security-Policy"] = _NO_SCRIPTS
    response["Accept-Ranges"] = "bytes"
    response["Last-Modified"] = http_date(sound.mtime_ns // 1_000_000_000)
    return _kept(response, etag)


def _kept(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = _KEEP
    return response


def _media_type(file: AudioFile) -> str:
    ending = file.path.rpartition(".")[2].lower()
    container = file.container or _BY_ENDING.get(ending, ending)
    return _MEDIA_TYPES.get(container, "application/octet-stream")
