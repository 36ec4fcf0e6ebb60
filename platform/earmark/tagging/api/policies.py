"""Policies: the one that holds, its versions, and new ones."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.views import ApiViewSet
from earmark.library.access import Role, require_library
from earmark.library.models import Library
from earmark.tagging.api.serializers import (
    PolicyInput,
    PolicySerializer,
    PolicyVersionSerializer,
)
from earmark.tagging.errors import PolicyRefusedError
from earmark.tagging.knowledge import InvalidPolicyError, TagPolicy
from earmark.tagging.models import PolicyChange
from earmark.tagging.selectors import get_policy, get_policy_change, list_policy_changes
from earmark.tagging.services import follow_default, set_policy


class DefaultPolicyViewSet(ApiViewSet):
    """The policy of all libraries that have none of their own."""

    access = {
        "retrieve": Access(Scope.READ),
        "create": Access(Scope.ADMIN, superuser=True),
    }
    serializer_class = PolicySerializer

    @extend_schema(operation_id="policy_retrieve", responses=PolicySerializer)
    def retrieve(self, request: Request) -> Response:
        """Return the policy that holds."""
        return Response(_values(None))

    @extend_schema(
        operation_id="policy_create", request=PolicyInput, responses={201: PolicySerializer}
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Make a new version; tags follow when it is applied, or with the next run."""
        return _set(request, None, self.read_input(PolicyInput))


class LibraryPolicyViewSet(ApiViewSet):
    """The policy of a library."""

    access = {
        "retrieve": Access(Scope.READ, Role.VIEWER),
        "create": Access(Scope.WRITE, Role.MANAGER),
        "destroy": Access(Scope.WRITE, Role.MANAGER),
    }
    serializer_class = PolicySerializer

    @extend_schema(operation_id="libraries_policy_retrieve", responses=PolicySerializer)
    def retrieve(self, request: Request, library_id: int) -> Response:
        """Return the policy that holds, the library's own or the default."""
        return Response(_values(require_library(request.user, library_id, self.role)))

    @extend_schema(
        operation_id="libraries_policy_create",
        request=PolicyInput,
        responses={201: PolicySerializer},
    )
    @idempotent
    def create(self, request: Request, library_id: int) -> Response:
        """Make a new version; tags follow when it is applied, or with the next run."""
        library = require_library(request.user, library_id, self.role)
        return _set(request, library, self.read_input(PolicyInput))

    @extend_schema(operation_id="libraries_policy_destroy", responses={200: PolicySerializer})
    def destroy(self, request: Request, library_id: int) -> Response:
        """Let the library follow the default again; its versions stay in the history."""
        library = require_library(request.user, library_id, self.role)
        follow_default(library=library, changed_by=cast(User, request.user))
        return Response(_values(library))


class DefaultPolicyVersionViewSet(ListModelMixin, ApiViewSet):
    """The history of the default policy, newest first."""

    access = {"list": Access(Scope.READ)}
    serializer_class = PolicyVersionSerializer
    queryset = PolicyChange.objects.none()

    def get_queryset(self) -> QuerySet[PolicyChange]:
        """Return its changes."""
        return list_policy_changes(library=None)


class LibraryPolicyVersionViewSet(ListModelMixin, ApiViewSet):
    """The history of a library's own policy, newest first."""

    access = {"list": Access(Scope.READ, Role.VIEWER)}
    serializer_class = PolicyVersionSerializer
    queryset = PolicyChange.objects.none()

    def get_queryset(self) -> QuerySet[PolicyChange]:
        """Return its changes."""
        library = require_library(self.request.user, self.kwargs["library_id"], self.role)
        return list_policy_changes(library=library)


def _set(request: Request, library: Library | None, wanted: dict[str, Any]) -> Response:
    values = get_policy(library=library).values | wanted["settings"]
    try:
        policy = TagPolicy.from_values(values)
    except InvalidPolicyError as error:
        raise PolicyRefusedError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
    user = cast(User, request.user)
    set_policy(policy=policy, library=library, note=wanted["note"], changed_by=user)
    return Response(_values(library), status=status.HTTP_201_CREATED)


def _values(library: Library | None) -> dict[str, Any]:
    policy, change = get_policy(library=library), get_policy_change(library=library)
    told = {
        "library": change.library_id if change else None,
        "number": change.number if change else 0,
        "version": policy.version,
        "settings": policy.values,
    }
    return dict(PolicySerializer(told).data)
