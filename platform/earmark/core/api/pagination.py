"""Pages of what grows, by cursor: equally fast at any depth, steady while rows are added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class ApiCursorPagination(CursorPagination):
    """Fifty rows a page, or as many as ``page_size`` asks for.

    A view sets `ordering` to a tuple of fields whose first is (nearly) unique; without, the
    newest rows come first.
    """

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = ("-id",)

    def get_ordering(
        self, request: Request, queryset: QuerySet[Any], view: APIView | None
    ) -> tuple[str, ...]:
        """Return the order the view asks for."""
        ordering: Sequence[str] = getattr(view, "ordering", self.ordering)
        return tuple(ordering)

    def get_page_size(self, request: Request) -> int:
        """Return the size asked for.

        Raises
        ------
        ValidationError
            If it is not a number from 1 to `max_page_size`.
        """
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return type(self).page_size
        if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= self.max_page_size:
            return int(text)
        problem = f"Must be a whole number from 1 to {self.max_page_size}."
        raise ValidationError({self.page_size_query_param: [problem]})

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor of the request.

        Raises
        ------
        ValidationError
            If no page ever named it.
        """
        try:
            return super().decode_cursor(request)
        except NotFound as error:
            raise ValidationError({self.cursor_query_param: ["Is not a cursor."]}) from error

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters for the OpenAPI document."""
        return [
            {
                "name": self.cursor_query_param,
                "in": "query",
                "description": "Where the page starts: take it from `next` or `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": self.page_size_query_param,
                "in": "query",
                "description": "Rows on a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
        ]
