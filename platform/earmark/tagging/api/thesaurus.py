"""The thesaurus: entries, and tables of them."""

from __future__ import annotations

from typing import IO, Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.views import ApiView, ApiViewSet
from earmark.core.errors import NotFoundError
from earmark.library.access import Role, require_library
from earmark.library.models import Library
from earmark.tagging.api.serializers import EntryInput, EntrySerializer, ImportedSerializer
from earmark.tagging.errors import ThesaurusFileError
from earmark.tagging.knowledge.thesaurus import Entry, problems_of
from earmark.tagging.knowledge.thesaurus_csv import (
    ThesaurusTableError,
    read_table,
    write_table,
)
from earmark.tagging.models import ThesaurusEntry
from earmark.tagging.selectors import entry_of, list_thesaurus
from earmark.tagging.services import import_thesaurus, save_entry

_CSV = "text/csv"
_REPLACE = OpenApiParameter(
    "replace", bool, description="Whether entries that the table lacks are taken away."
)


class CsvParser(BaseParser):
    """Hands a table over as it is."""

    media_type = _CSV

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """Return its bytes."""
        return stream.read()


class _OfAll:
    """Entries of all libraries."""

    def library(self) -> Library | None:
        return None


class _OfLibrary:
    """Entries of one library."""

    def library(self: Any) -> Library | None:
        return require_library(self.request.user, self.kwargs["library_id"], self.role)


class _Entries(ListModelMixin, ApiViewSet):
    queryset = ThesaurusEntry.objects.none()
    serializer_class = EntrySerializer
    ordering = ("term_key", "id")

    def library(self) -> Library | None:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[ThesaurusEntry]:
        """Return the entries."""
        return list_thesaurus(library=self.library())

    @extend_schema(request=EntryInput, responses={201: EntrySerializer})
    @idempotent
    def create(self, request: Request, /, **kwargs: int) -> Response:
        """Store an entry, in place of the one about the same term."""
        library = self.library()
        entry = _entry_of(self.read_input(EntryInput))
        row = save_entry(entry=entry, library=library)
        return Response(EntrySerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, entry_id: int, **kwargs: int) -> Response:
        """Take an entry away."""
        removed, _ = self.get_queryset().filter(pk=entry_id).delete()
        if not removed:
            raise NotFoundError("There is no such entry.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class ThesaurusViewSet(_OfAll, _Entries):
    """What is said about terms in all libraries."""

    access = {
        "list": Access(Scope.READ),
        "create": Access(Scope.ADMIN, superuser=True),
        "destroy": Access(Scope.ADMIN, superuser=True),
    }


class LibraryThesaurusViewSet(_OfLibrary, _Entries):
    """What is said about terms in one library; it comes before what is said in all."""

    access = {
        "list": Access(Scope.READ, Role.VIEWER),
        "create": Access(Scope.WRITE, Role.MANAGER),
        "destroy": Access(Scope.WRITE, Role.MANAGER),
    }


class _Table(ApiView):
    parser_classes = (CsvParser,)

    def library(self) -> Library | None:
        raise NotImplementedError

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """Give the table to whoever asks for one; what goes wrong is told in JSON."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(responses={(200, _CSV): OpenApiTypes.STR})
    def get(self, request: Request, **kwargs: int) -> HttpResponse:
        """Return the entries as a table that can be imported again."""
        table = write_table(entry_of(row) for row in list_thesaurus(library=self.library()))
        return HttpResponse(table, content_type=f"{_CSV}; charset=utf-8")

    @extend_schema(
        request={_CSV: OpenApiTypes.STR}, parameters=[_REPLACE], responses=ImportedSerializer
    )
    def post(self, request: Request, **kwargs: int) -> Response:
        """Import a table, all of it or nothing."""
        library = self.library()
        replace = request.query_params.get("replace", "false").lower() in ("true", "1")
        try:
            entries = read_table(request.data if isinstance(request.data, bytes) else b"")
        except ThesaurusTableError as error:
            context = {"problems": error.problems}
            raise ThesaurusFileError(str(error), context=context) from error
        done = import_thesaurus(entries=entries, library=library, replace=replace)
        return Response(ImportedSerializer(done).data)


class ThesaurusTableView(_OfAll, _Table):
    """The entries of all libraries as a table."""

    access = {"get": Access(Scope.READ), "post": Access(Scope.ADMIN, superuser=True)}


class LibraryThesaurusTableView(_OfLibrary, _Table):
    """The entries of one library as a table."""

    access = {
        "get": Access(Scope.READ, Role.VIEWER),
        "post": Access(Scope.WRITE, Role.MANAGER),
    }


def _entry_of(values: dict[str, Any]) -> Entry:
    entry = Entry(
        term=values["term"],
        preferred=values["preferred"],
        synonyms=None if values["synonyms"] is None else tuple(values["synonyms"]),
        forbidden=tuple(values["forbidden"]),
        translations=values["translations"],
    )
    if problems := problems_of(entry):
        raise ThesaurusFileError("; ".join(problems), hint="", context={"problems": problems})
    return entry
