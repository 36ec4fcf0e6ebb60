"""Forget libraries: what would go, and asking for it by name."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.exchange.api.bulk import accepted
from earmark.exchange.api.bulk_serializers import BulkSerializer
from earmark.exchange.bulk.forgetting import count_loss, list_activity, submit_forgetting
from earmark.library.access import Role, require_library

_MANAGE = Access(Scope.ADMIN, Role.MANAGER)


class RemovalSerializer(serializers.Serializer[Any]):
    """What would go with a library; no sound is touched."""

    name = serializers.CharField(help_text="Of the library: say it to have it removed.")
    files = serializers.IntegerField(help_text="Whose tags are forgotten.")
    changes = serializers.IntegerField(help_text="Changes of tags by people.")
    writes = serializers.IntegerField(
        help_text="Tags in files that could be taken back; they stay in the files."
    )
    renames = serializers.IntegerField(
        help_text="New names of files that could be taken back; the files keep them."
    )
    runs = serializers.IntegerField()
    activity = serializers.ListField(
        child=serializers.CharField(), help_text="What has to be over before; empty: nothing."
    )


class RemovalInput(serializers.Serializer[Any]):
    """That this library is meant and no other."""

    name = serializers.CharField(
        max_length=200, trim_whitespace=False, help_text="The name of the library."
    )


class RemovalView(ApiView):
    """``libraries/{id}/removal``."""

    access: ClassVar[dict[str, Access]] = {"get": _MANAGE, "post": _MANAGE}
    serializer_class = RemovalSerializer

    @extend_schema(responses=RemovalSerializer)
    def get(self, request: Request, library_id: int) -> Response:
        """Say what would be forgotten with a library, and what is in the way."""
        library = require_library(request.user, library_id, self.role)
        loss = vars(count_loss(library=library))
        told = {"name": library.name, **loss, "activity": list_activity(library=library)}
        return Response(RemovalSerializer(told).data)

    @extend_schema(request=RemovalInput, responses={202: BulkSerializer, **errors(409)})
    @idempotent
    def post(self, request: Request, library_id: int) -> Response:
        """Have a library forgotten with all that is known about its files, slice by slice.

        No sound is touched: tags that were written stay in the files and can no longer be taken
        back. The operation goes with the library: 404 means that it is done.
        """
        library = require_library(request.user, library_id, self.role)
        if self.read_input(RemovalInput)["name"] != library.name:
            raise ValidationError({"name": ["This is not the name of the library."]})
        user = cast(User, request.user)
        return accepted(submit_forgetting(library=library, requested_by=user))
