"""Whether the platform is ready, for programs that know the API only."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.core.api.access import Access
from earmark.core.api.views import ApiView
from earmark.core.health import CHECKS


class HealthSerializer(serializers.Serializer[Any]):
    """What is well and what is not."""

    status = serializers.ChoiceField(choices=["ok", "failed"])
    parts = serializers.DictField(child=serializers.ChoiceField(choices=["ok", "failed"]))


class HealthView(ApiView):
    """Whether everything is there that requests need."""

    access: ClassVar[dict[str, Access]] = {"get": Access.PUBLIC}

    @extend_schema(
        operation_id="health_retrieve", responses={200: HealthSerializer, 503: HealthSerializer}
    )
    def get(self, request: Request) -> Response:
        """Look at the database and the broker; 503 if one of them does not answer."""
        parts = {name: "failed" if check() else "ok" for name, check in CHECKS.items()}
        well = "failed" not in parts.values()
        body = {"status": "ok" if well else "failed", "parts": parts}
        return Response(body, status=200 if well else 503)
