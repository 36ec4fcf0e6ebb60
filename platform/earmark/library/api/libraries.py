"""Libraries and the roles people have in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.core.errors import NotFoundError
from earmark.library.access import (
    Role,
    require_library,
    require_may_register,
    roles_of,
    visible_libraries,
)
from earmark.library.api.filters import LibraryFilter
from earmark.library.api.serializers import (
    LibraryChange,
    LibraryDetailSerializer,
    LibraryInput,
    LibrarySerializer,
    RoleInput,
    RoleSerializer,
)
from earmark.library.models import Library, LibraryRole
from earmark.library.services import (
    LibraryOptions,
    check_registration,
    grant_role,
    register_library,
    revoke_role,
    update_library,
)

_OPTIONS = ("include", "exclude", "scan_every", "settle_seconds")


class LibraryViewSet(ListModelMixin, ApiViewSet):
    """Folders of sounds that Earmark looks after."""

    access = {
        "list": Access(Scope.READ),
        "create": Access(Scope.ADMIN, permission="library.add_library"),
        "retrieve": Access(Scope.READ, Role.VIEWER),
        "partial_update": Access(Scope.ADMIN, Role.MANAGER),
    }
    queryset = Library.objects.none()
    serializer_class = LibrarySerializer
    filterset_class = LibraryFilter
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[Library]:
        """Return those that who asks may see."""
        return visible_libraries(self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        """Look the roles up once for all libraries of a page."""
        return {**super().get_serializer_context(), "roles": roles_of(self.request.user)}

    @extend_schema(request=LibraryInput, responses={201: LibraryDetailSerializer, **errors(409)})
    def create(self, request: Request) -> Response:
        """Make a folder of the server a library; you become its manager. Scan it next.

        A folder that holds libraries takes them over.
        """
        values = self.read_input(LibraryInput)
        folder = check_registration(root=Path(values["folder"]))
        require_may_register(request.user, folder)
        options = LibraryOptions(**{key: values[key] for key in _OPTIONS if key in values})
        library = register_library(
            root=folder,
            name=values.get("name", ""),
            options=options,
            manager=cast(User, request.user),
        )
        return self._answer(library, status.HTTP_201_CREATED)

    @extend_schema(responses=LibraryDetailSerializer)
    def retrieve(self, request: Request, library_id: int) -> Response:
        """Return a library, with the numbers of its files."""
        return self._answer(require_library(request.user, library_id, self.role))

    @extend_schema(request=LibraryChange, responses=LibraryDetailSerializer)
    def partial_update(self, request: Request, library_id: int) -> Response:
        """Change a library's name, patterns or schedule; a scan under way begins anew."""
        library = require_library(request.user, library_id, self.role)
        values = self.read_input(LibraryChange)
        old = LibraryOptions(**{key: getattr(library, key) for key in _OPTIONS})
        options = replace(old, **{key: values[key] for key in _OPTIONS if key in values})
        library = update_library(library=library, name=values.get("name"), options=options)
        return self._answer(library)

    def _answer(self, library: Library, code: int = status.HTTP_200_OK) -> Response:
        context = self.get_serializer_context()
        return Response(LibraryDetailSerializer(library, context=context).data, status=code)


class RoleViewSet(ListModelMixin, ApiViewSet):
    """Who may do what in a library; superusers manage every library without being listed."""

    access = dict.fromkeys(("list", "create", "destroy"), Access(Scope.ADMIN, Role.MANAGER))
    queryset = LibraryRole.objects.none()
    serializer_class = RoleSerializer

    def get_queryset(self) -> QuerySet[LibraryRole]:
        """Return the roles in the library of the address."""
        library = require_library(self.request.user, self.kwargs["library_id"], self.role)
        return LibraryRole.objects.filter(library=library).select_related("user", "group")

    @extend_schema(request=RoleInput, responses={200: RoleSerializer})
    def create(self, request: Request, library_id: int) -> Response:
        """Give a user or a group a role, instead of the one they have here."""
        library = require_library(request.user, library_id, self.role)
        values = self.read_input(RoleInput)
        holder = _find_holder(values)
        row = grant_role(library=library, holder=holder, role=Role(values["role"]))
        return Response(RoleSerializer(row).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, library_id: int, role_id: int) -> Response:
        """Take a role away."""
        revoke_role(role=get_object_or_404(self.get_queryset(), pk=role_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _find_holder(values: dict[str, Any]) -> User | Group:
    found: User | Group | None
    if "user" in values:
        found = User.objects.filter(username=values["user"]).first()
    else:
        found = Group.objects.filter(name=values["group"]).first()
    if found is None:
        raise NotFoundError("There is no such user or group.")
    return found
