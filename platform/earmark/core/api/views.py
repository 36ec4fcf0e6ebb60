"""Base classes of all views of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ViewSetMixin

from earmark.core.api.access import Access, HasAccess, access_of


class ApiView(GenericAPIView[Any]):
    """A view with methods named as those of HTTP.

    Attributes
    ----------
    access : mapping of str to Access
        For each method in lower case; in a view set for each action.
    """

    access: ClassVar[Mapping[str, Access]] = {}
    permission_classes = (HasAccess,)

    @property
    def role(self) -> str:
        """The role that the present action asks for, to be handed to `require_role`."""
        access = access_of(self)
        if access is None or access.role is None:
            raise ImproperlyConfigured(f"{type(self).__name__}.access names no role here.")
        return access.role

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count the request at once.

        REST framework counts what it has let in; those whose token or rights do not suffice are
        counted here as well, and told to wait before they are told anything else.
        """
        try:
            super().perform_authentication(request)
        finally:
            super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Leave it at that: the request was counted before anything was refused."""

    def read_input(
        self, serializer: type[BaseSerializer[Any]], data: object = None
    ) -> dict[str, Any]:
        """Return the request's body, or other data, checked by a serializer.

        Raises
        ------
        rest_framework.exceptions.ValidationError
            If it is not as it has to be.
        """
        checked = serializer(
            data=self.request.data if data is None else data, context={"request": self.request}
        )
        checked.is_valid(raise_exception=True)
        values: dict[str, Any] = checked.validated_data
        return values


class ApiViewSet(ViewSetMixin, ApiView):
    """A view with actions over a resource, with filters and pages."""

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter as the query asks.

        Where it asks for nothing, as for what an address names, no filter has to be made: no view
        has one that must be there, and to make them takes longer than many an answer.
        """
        return super().filter_queryset(queryset) if self.request.query_params else queryset
