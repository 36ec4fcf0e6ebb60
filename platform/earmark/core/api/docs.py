"""The OpenAPI document itself, and pages to read it and try it."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.response import Response

from earmark.core.api.access import Access, HasAccess


@extend_schema(tags=["schema"])
class SchemaView(SpectacularAPIView):
    """Return the OpenAPI 3.1 document of this API.

    It is the same for everybody and takes most of a second to make: each process makes it once.
    """

    renderer_classes = [OpenApiJsonRenderer]
    _document: ClassVar[dict[str, Any] | None] = None

    access: ClassVar[dict[str, Access]] = {"get": Access.PUBLIC}
    permission_classes = (HasAccess,)

    @extend_schema(parameters=[], responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Return the OpenAPI 3.1 document of this API."""
        if SchemaView._document is None:
            generator = self.generator_class()
            document = generator.get_schema(public=True)  # type: ignore[no-untyped-call]
            SchemaView._document = document
        return Response(SchemaView._document)


class DocsView(SpectacularSwaggerSplitView):
    """Pages to read the document and to try the API; they load nothing from other sites."""

    template_name = "core/api_docs.html"
    access: ClassVar[dict[str, Access]] = {"get": Access.PUBLIC}
    permission_classes = (HasAccess,)

    @extend_schema(exclude=True)
    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Show the page, or the script it starts with."""
        return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
