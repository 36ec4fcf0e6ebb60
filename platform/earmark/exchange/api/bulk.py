"""Operations on many files: ask for them, watch, cancel and undo them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.filters import FilterSet, IdFilter
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView, ApiViewSet
from earmark.core.errors import NotFoundError
from earmark.exchange.api.bulk_serializers import (
    BulkFilesInput,
    BulkInput,
    BulkPreviewSerializer,
    BulkSerializer,
)
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.selection import BulkSearch, BulkSelection
from earmark.exchange.bulk.services import (
    TAG_KINDS,
    cancel_operation,
    submit_operation,
    undo_operation,
)
from earmark.jobs.models import Run
from earmark.library.access import (
    Asker,
    Role,
    require_file,
    require_library,
    require_role,
    visible_libraries,
)
from earmark.library.models import Library
from earmark.search.api.inputs import SearchFilterInput, filters_of
from earmark.search.selectors import is_complete
from earmark.tagging.services import Words

_EDIT = Access(Scope.WRITE, Role.EDITOR)
_ACCEPTED = {202: BulkSerializer}
_SHOWN = 20


class BulkFilter(FilterSet):
    """By library, state and what is done."""

    library = IdFilter(field_name="library_id")
    state = django_filters.ChoiceFilter(choices=BulkOperation.State.choices)
    operation = django_filters.ChoiceFilter(field_name="kind", choices=BulkOperation.Kind.choices)

    class Meta:
        model = BulkOperation
        fields = ["library", "state"]


class BulkViewSet(ListModelMixin, ApiViewSet):
    """Operations on many files of a library."""

    access = {
        "list": Access(Scope.READ),
        "retrieve": Access(Scope.READ, Role.VIEWER),
        "create": _EDIT,
        "preview": Access(Scope.READ, Role.VIEWER),
        "cancel": _EDIT,
        "undo": _EDIT,
    }
    queryset = BulkOperation.objects.none()
    serializer_class = BulkSerializer
    filterset_class = BulkFilter

    def get_queryset(self) -> QuerySet[BulkOperation]:
        """Return those of libraries that who asks may see."""
        return _visible(self.request.user)

    @extend_schema(responses=BulkSerializer)
    def retrieve(self, request: Request, operation_id: int) -> Response:
        """Return an operation and how far it is."""
        return Response(BulkSerializer(self._get(operation_id)).data)

    @extend_schema(request=BulkInput, responses={**_ACCEPTED, **errors(404)})
    @idempotent
    def create(self, request: Request) -> Response:
        """Ask for something to be done to many files; workers do it, slice by slice.

        Each file is changed whole or not at all. What an operation did to tags is undone as one.
        """
        values = self.read_input(BulkInput)
        library = require_library(request.user, values["library"], self.role)
        kind = BulkOperation.Kind(values["operation"])
        options: dict[str, object] = {"write": values["write"]}
        if kind in TAG_KINDS:
            words = Words.of({kind.value: values["tags"]})
            options["tags"] = words.as_dict()[kind.value]
        elif kind is BulkOperation.Kind.RERUN:
            options |= {"classifiers": values["classifiers"], "force": values["force"]}
        return _submit(request, library, kind, _selection(library, values), options, values)

    @extend_schema(request=BulkFilesInput, responses={200: BulkPreviewSerializer, **errors(404)})
    def preview(self, request: Request) -> Response:
        """Say which files an operation would be about; nothing is done."""
        values = self.read_input(BulkFilesInput)
        library = require_library(request.user, values["library"], self.role)
        files = _selection(library, values).all_of(library)
        shown = files.order_by("pk").values("id", "path")[:_SHOWN]
        complete = values["search"] is None or is_complete()
        return Response({"total": files.count(), "complete": complete, "files": list(shown)})

    @extend_schema(request=None, responses={200: BulkSerializer, **errors(409)})
    def cancel(self, request: Request, operation_id: int) -> Response:
        """End an operation where it is; what is done stays done and can be undone."""
        cancel_operation(operation=self._get(operation_id))
        return Response(BulkSerializer(self._get(operation_id)).data)

    @extend_schema(request=None, responses={**_ACCEPTED, **errors(409)})
    @idempotent
    def undo(self, request: Request, operation_id: int) -> Response:
        """Take back all that an operation did to tags; what others said since stands."""
        user = cast(User, request.user)
        undoing = undo_operation(operation=self._get(operation_id), requested_by=user)
        return accepted(undoing)

    def _get(self, operation_id: int) -> BulkOperation:
        return get_operation(self.request.user, operation_id, self.role)


def get_operation(user: Asker, operation_id: int, role: str) -> BulkOperation:
    """Return an operation on a library in which somebody has a role.

    Raises
    ------
    NotFoundError, NotAllowedError
        See `earmark.library.access.require_role`.
    """
    found = _visible(user).select_related("library").filter(pk=operation_id).first()
    if found is None:
        raise NotFoundError("There is no such operation.")
    require_role(user, found.library, role)
    return found


def _visible(user: Asker) -> QuerySet[BulkOperation]:
    return BulkOperation.objects.filter(library__in=visible_libraries(user))


class _OperationView(ApiView):
    """An operation that needs nothing but its place to be asked for."""

    kind = BulkOperation.Kind.WRITE  # each address says which
    access = {"post": _EDIT}
    serializer_class = BulkSerializer


class FileWritesView(_OperationView):
    """Do something with what is written in one file."""

    @extend_schema(request=None, responses=_ACCEPTED)
    @idempotent
    def post(self, request: Request, file_id: int) -> Response:
        """Queue it for the file."""
        file = require_file(request.user, file_id, self.role)
        return _submit(request, file.library, self.kind, BulkSelection(files=(file.pk,)))


class LibraryOperationView(_OperationView):
    """Do something with a whole library."""

    @extend_schema(request=None, responses=_ACCEPTED)
    @idempotent
    def post(self, request: Request, library_id: int) -> Response:
        """Queue it for all files of the library."""
        library = require_library(request.user, library_id, self.role)
        return _submit(request, library, self.kind, BulkSelection())


class PolicyApplicationView(LibraryOperationView):
    """Derive the tags of a library by the policy and words of today, from stored scores."""

    access = {"post": Access(Scope.WRITE, Role.MANAGER)}


class RunWritesView(_OperationView):
    """Do something with what a run has written."""

    @extend_schema(request=None, responses=_ACCEPTED)
    @idempotent
    def post(self, request: Request, run_id: int) -> Response:
        """Queue it for the files of the run."""
        runs = Run.objects.filter(library__in=visible_libraries(request.user))
        run = runs.select_related("library").filter(pk=run_id).first()
        if run is None:
            raise NotFoundError("There is no such run.")
        require_role(request.user, run.library, self.role)
        return _submit(request, run.library, self.kind, BulkSelection(run=run.pk))


def _selection(library: Library, values: dict[str, Any]) -> BulkSelection:
    run = values["run"]
    if run is not None and not Run.objects.filter(pk=run, library=library).exists():
        raise NotFoundError("There is no such run in this library.")
    files = values["files"]
    return BulkSelection(
        under=values["under"],
        query=values["query"],
        files=None if files is None else tuple(files),
        run=run,
        search=None if values["search"] is None else _search(library, values["search"]),
    )


def _search(library: Library, values: dict[str, Any]) -> BulkSearch:
    here = (library.pk,)
    told = SearchFilterInput(values).data
    return BulkSearch(values.get("q", ""), filters_of(values, here, here), told)


def _submit(
    request: Request,
    library: Library,
    kind: BulkOperation.Kind,
    selection: BulkSelection,
    options: dict[str, object] | None = None,
    values: dict[str, Any] | None = None,
) -> Response:
    operation = submit_operation(
        library=library,
        kind=kind,
        selection=selection,
        options=options,
        comment=(values or {}).get("comment", ""),
        requested_by=cast(User, request.user),
    )
    return accepted(operation)


def accepted(operation: BulkOperation) -> Response:
    """Answer 202 with an operation and where it tells of itself."""
    told = BulkSerializer(operation).data
    place = {"Location": f"/api/v1/bulk/{operation.pk}"}
    return Response(told, status=status.HTTP_202_ACCEPTED, headers=place)
