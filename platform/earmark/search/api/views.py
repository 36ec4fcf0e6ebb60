"""Searching over HTTP: parameters in, what the selectors say out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.library.access import Role, require_file, visible_files, visible_libraries
from earmark.search import selectors
from earmark.search.api import serializers
from earmark.search.api.inputs import SearchInput, read_query, request_of, visible_ids
from earmark.search.api.values import facet_values, file_values, looked_values
from earmark.search.models import SearchTerm

_READ = Access(Scope.READ)


def _visible(request: Request) -> tuple[int, ...] | None:
    return visible_ids(request.user, visible_libraries(request.user))


@extend_schema(tags=["search"])
class SearchView(ApiView):
    """Files by words and filters."""

    access: ClassVar[dict[str, Access]] = {"get": _READ}
    serializer_class = serializers.SearchAnswerSerializer

    @extend_schema(parameters=[SearchInput], responses=serializers.SearchAnswerSerializer)
    def get(self, request: Request) -> Response:
        """Find files."""
        values = read_query(SearchInput, request.query_params)
        visible = _visible(request)
        asked = request_of(values, visible)
        page = selectors.search_files(asked)
        only = values.get("fields") or []
        files = selectors.load_files(
            [hit.file_id for hit in page.hits],
            scores=page.scores,
            with_tags=not only or bool({"tags", "catid"} & set(only)),
        )
        facets = None
        if values.get("facets"):
            counted = selectors.count_facets(asked, facets=values["facets"], total=page.total)
            facets = facet_values(counted)
        nothing = not page.hits and not asked.cursor and bool(asked.text)
        return Response(
            {
                "results": [file_values(found, only) for found in files],
                "next": page.next or None,
                "sort": page.sort.value,
                "total": asdict(page.total) if page.total else None,
                "facets": facets,
                "corrections": selectors.correct(asked.text, libraries=visible) if nothing else [],
                "complete": page.complete,
            }
        )


@extend_schema(tags=["search"])
class SuggestView(ApiView):
    """What to search for, while somebody types."""

    access: ClassVar[dict[str, Access]] = {"get": _READ}
    serializer_class = serializers.SuggestionsSerializer

    @extend_schema(
        parameters=[serializers.SuggestInput], responses=serializers.SuggestionsSerializer
    )
    def get(self, request: Request) -> Response:
        """Return tags, categories and words that begin as typed, with their numbers of files."""
        values = read_query(serializers.SuggestInput, request.query_params)
        found = selectors.suggest(values["q"], libraries=_visible(request), limit=values["limit"])
        return Response({"results": [asdict(one) for one in found]})


@extend_schema(tags=["search"])
class TagsView(ApiView):
    """All tags that files have."""

    access: ClassVar[dict[str, Access]] = {"get": _READ}
    serializer_class = serializers.TagCountSerializer
    ordering = ("text",)

    def get_queryset(self) -> QuerySet[SearchTerm, Any]:
        """Return the tags of the libraries that may be seen."""
        values = read_query(serializers.TagsInput, self.request.query_params)
        return selectors.count_tags(libraries=_visible(self.request), prefix=values["prefix"])

    @extend_schema(
        parameters=[serializers.TagsInput], responses=serializers.TagCountSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Return tags with their numbers of files, by name."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@extend_schema(tags=["search"])
class SimilarView(ApiView):
    """Files that sound like one."""

    access: ClassVar[dict[str, Access]] = {"get": Access(Scope.READ, Role.VIEWER)}
    serializer_class = serializers.SimilarAnswerSerializer

    @extend_schema(
        parameters=[serializers.SimilarInput],
        responses={200: serializers.SimilarAnswerSerializer, **errors(409)},
    )
    def get(self, request: Request, file_id: int) -> Response:
        """Return the files whose embeddings lie nearest, nearest first."""
        values = read_query(serializers.SimilarInput, request.query_params)
        file = require_file(request.user, file_id, self.role)
        found = selectors.find_similar(file, visible=visible_files(request.user), **values)
        answer = {
            "classifier": found.classifier.identity,
            "complete": found.complete,
            "results": [
                {"similarity": score, "file": file_values(file)} for file, score in found.files
            ],
        }
        return Response(answer)


_ASKED = [
    OpenApiParameter(name, OpenApiTypes.STR, many=True, description=text)
    for name, text in {
        "path": "An absolute path; several times for several files.",
        "audio_hash": "The hash of a file's audio.",
        "catid": "A UCS CatID.",
    }.items()
]


@extend_schema(tags=["search"])
class LookUpView(ApiView):
    """Files by what another program knows of them."""

    access: ClassVar[dict[str, Access]] = {"get": _READ, "post": _READ}
    serializer_class = serializers.LookUpAnswerSerializer

    @extend_schema(parameters=_ASKED, responses=serializers.LookUpAnswerSerializer)
    def get(self, request: Request) -> Response:
        """Look files up, by one or some values."""
        query: QueryDict = request.query_params
        names = {"paths": "path", "audio_hashes": "audio_hash", "catids": "catid"}
        return self._answer({many: query.getlist(one) for many, one in names.items()})

    @extend_schema(request=serializers.LookUpInput, responses=serializers.LookUpAnswerSerializer)
    def post(self, request: Request) -> Response:
        """Look many files up; changes nothing."""
        return self._answer(request.data)

    def _answer(self, data: object) -> Response:
        asked = serializers.LookUpInput(data=data)
        asked.is_valid(raise_exception=True)
        found = selectors.look_up(asked.asked(), libraries=visible_libraries(self.request.user))
        return Response({"results": [looked_values(one) for one in found]})
