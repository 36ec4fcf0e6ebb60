"""Send a sound, ask for the answer, take it back."""

from __future__ import annotations

from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.errors import error_body
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.uploads.api.serializers import UploadInput, UploadSerializer
from earmark.uploads.errors import UploadFailedError
from earmark.uploads.models import Upload
from earmark.uploads.receiving import Receiver, install_receiver
from earmark.uploads.selectors import find_classifiers, get_upload, wait_for_answer
from earmark.uploads.services import accept_upload, discard_upload


class Accepted(Response):
    """The answer to a sound that was sent, before anybody has listened to it."""

    def __init__(self, upload: Upload, *, wait: float) -> None:
        address = reverse("upload", kwargs={"upload_id": upload.pk})
        super().__init__(UploadSerializer(upload).data, status=202, headers={"Location": address})
        self.upload = upload
        self.wait = wait


class UploadViewSet(ApiViewSet):
    """Sounds to classify without keeping them."""

    access: ClassVar[dict[str, Access]] = {
        "create": Access(Scope.WRITE),
        "retrieve": Access(Scope.READ),
        "destroy": Access(Scope.WRITE),
    }
    serializer_class = UploadSerializer
    parser_classes = (MultiPartParser,)
    pagination_class = None
    filter_backends = ()
    receiver: Receiver | None = None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Have the sound written to disk as it comes: before anything asks for the body."""
        if request.method == "POST":
            self.receiver = install_receiver(request)
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        """Leave nothing of a request that was refused."""
        if self.receiver is not None:
            self.receiver.discard()
        return super().finalize_response(*args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Name a form that makes no sense what it is, whoever read it first."""
        if isinstance(exc, MultiPartParserError):
            exc = ParseError(str(exc))
        return super().handle_exception(exc)

    @extend_schema(
        summary="Classify a sound without keeping it",
        description="Waits for the answer for a while. Where it takes longer the status is 202 "
        "and the answer is to be asked for at `Location`.",
        request={"multipart/form-data": UploadInput},
        responses={
            201: OpenApiResponse(UploadSerializer, "Classified: the answer is in `result`."),
            202: OpenApiResponse(UploadSerializer, "Still to be classified: ask again."),
            **errors(408, 409, 413, 422),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue a sound for the workers."""
        values = self.read_input(UploadInput)
        assert isinstance(request.user, User)
        upload = accept_upload(
            received=values["audio"].received,
            classifiers=find_classifiers(values["classifier"]),
            start=values["start"],
            end=values["end"],
            owner=request.user,
        )
        return Accepted(upload, wait=values["wait"])

    @extend_schema(summary="What became of a sound that was sent", responses=UploadSerializer)
    def retrieve(self, request: Request, upload_id: str) -> Response:
        """Show an upload."""
        return Response(UploadSerializer(get_upload(upload_id=upload_id, user=request.user)).data)

    @extend_schema(summary="Take a sound that was sent back", responses={204: None})
    def destroy(self, request: Request, upload_id: str) -> Response:
        """Delete an upload, with its bytes and its answer."""
        discard_upload(upload=get_upload(upload_id=upload_id, user=request.user))
        return Response(status=204)


_send = UploadViewSet.as_view({"post": "create"})


async def send_sound(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Queue a sound, and wait for its answer without holding a thread."""
    response = await sync_to_async(_send)(request, *args, **kwargs)
    if isinstance(response, Accepted):
        upload = await wait_for_answer(response.upload, seconds=response.wait)
        if upload.state == Upload.State.DONE:
            response.data, response.status_code = UploadSerializer(upload).data, 201
        elif upload.state == Upload.State.FAILED:
            error = UploadFailedError(
                upload.error_message, code=upload.error_code, upload=upload.pk
            )
            response.data = error_body(error.code, str(error), error.context)
            response.status_code = error.status
    return response


# What REST framework marks its views with: the OpenAPI document and the table of permissions
# look at it, and so does the check of CSRF tokens, which REST framework does itself.
send_sound.cls = _send.cls  # type: ignore[attr-defined]
send_sound.actions = _send.actions  # type: ignore[attr-defined]
send_sound.initkwargs = _send.initkwargs  # type: ignore[attr-defined]
send_sound.csrf_exempt = True  # type: ignore[attr-defined]
