"""Exports over HTTP, streamed."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from earmark.accounts.acts import Act
from earmark.accounts.scopes import Scope
from earmark.accounts.services import record_act
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.core.errors import NotFoundError
from earmark.exchange.api.serializers import ExportQuerySerializer
from earmark.exchange.exports import labels
from earmark.exchange.exports.formats import FORMATS
from earmark.exchange.exports.selectors import list_files_to_export
from earmark.exchange.exports.services import stream_files
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection
from earmark.library.access import Role, require_library, visible_files, visible_libraries
from earmark.library.models import AudioFileQuerySet

_EXPORT = OpenApiResponse(OpenApiTypes.STR, description="The export, streamed as it is read.")
_MEDIA_TYPES = (
    "text/csv",
    "text/tab-separated-values",
    "application/jsonl",
    "text/plain",
)


class ExportView(ApiView):
    """Files and their tags for other programs."""

    access: ClassVar[dict[str, Access]] = {"get": Access(scope=Scope.READ, role=Role.VIEWER)}

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """Leave ``format`` to the export; what goes wrong is told in JSON."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        operation_id="exports_retrieve",
        tags=["exports"],
        parameters=[ExportQuerySerializer],
        responses={(200, kind): _EXPORT for kind in _MEDIA_TYPES} | errors(400, 404, 409),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream an export of the files that you may see.

        In tables a cell that a spreadsheet would take for a formula begins with an apostrophe:
        take one away from every cell that begins with one, and you have the text.
        """
        wanted = self.read_input(ExportQuerySerializer, request.query_params)
        files = self._files(request, wanted)
        response: HttpResponseBase
        if wanted["format"] == labels.AUDACITY:
            file = labels.get_only_file(files)
            content = labels.export_labels(file=file, classifier=wanted["classifier"])
            response = HttpResponse(content, content_type=labels.MEDIA_TYPE)
            suffix = labels.SUFFIX
        else:
            form = FORMATS[wanted["format"]]
            stream = stream_files(files=files, form=form)
            response = StreamingHttpResponse(stream, content_type=form.media_type)
            suffix = form.suffix
        record_act(act=Act.EXPORTED, details=dict(wanted))
        response["Content-Disposition"] = f'attachment; filename="earmark{suffix}"'
        return response

    def _files(self, request: Request, wanted: dict[str, Any]) -> AudioFileQuerySet:
        files = cast(AudioFileQuerySet, visible_files(request.user))
        if "library" in wanted:
            files = files.filter(
                library=require_library(request.user, wanted["library"], self.role)
            )
        run = None
        if "run" in wanted:
            libraries = visible_libraries(request.user)
            run = Run.objects.filter(pk=wanted["run"], library__in=libraries).first()
            if run is None:
                raise NotFoundError("There is no such run.")
        selection = Selection(query=wanted.get("query", ""), file_ids=wanted.get("file"))
        return list_files_to_export(
            files=files, run=run, selection=selection, words=wanted.get("q", "")
        )
