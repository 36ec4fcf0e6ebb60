"""What decisions teach: figures, thresholds, training data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.library.access import Role
from earmark.review.api.serializers import (
    PlaceInput,
    ReviewStatsSerializer,
    ThresholdsInput,
    ThresholdSuggestionSerializer,
)
from earmark.review.api.subjects import items_of, library_of
from earmark.review.selectors import (
    count_items,
    get_label_reports,
    get_thresholds,
    iterate_training_rows,
)
from earmark.review.tables import TRAINING_COLUMNS, write_rows

_LINES = 1000
"""Lines in a piece of a table."""


class StatsView(ApiView):
    """The queue in numbers."""

    access = {"get": Access(Scope.READ)}

    @extend_schema(
        operation_id="review_stats_retrieve",
        parameters=[PlaceInput],
        responses={200: ReviewStatsSerializer, **errors(400, 404)},
    )
    def get(self, request: Request) -> Response:
        """Return how many items there are, and how right each label is."""
        wanted = self.read_input(PlaceInput, request.query_params)
        items = items_of(request.user, wanted, Role.VIEWER)
        library = library_of(request.user, wanted, Role.VIEWER)
        labels = get_label_reports(items=items, library=library)
        told = {"items": count_items(items=items), "labels": labels}
        return Response(ReviewStatsSerializer(told).data)


class ThresholdsView(ApiView):
    """Thresholds that decisions speak for."""

    pagination_class = None
    access = {"get": Access(Scope.READ)}

    @extend_schema(
        operation_id="review_thresholds_list",
        parameters=[ThresholdsInput],
        responses={200: ThresholdSuggestionSerializer(many=True), **errors(400, 404)},
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Return for each label the lowest threshold that surely gives a precision, or why not."""
        wanted = self.read_input(ThresholdsInput, request.query_params)
        found = get_thresholds(
            items=items_of(request.user, wanted, Role.VIEWER),
            precision=wanted["precision"],
            library=library_of(request.user, wanted, Role.VIEWER),
        )
        return Response(ThresholdSuggestionSerializer(found, many=True).data)


class TrainingView(ApiView):
    """What was found right, to learn from."""

    access = {"get": Access(Scope.READ)}

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        """Give CSV whatever is accepted; what goes wrong is told in JSON."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        operation_id="review_export_retrieve",
        parameters=[PlaceInput],
        responses={
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, description="The columns path, label and group."
            ),
            **errors(400, 404),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream a table of files and the words that were found right, for `earmark train`."""
        wanted = self.read_input(PlaceInput, request.query_params)
        rows = iterate_training_rows(items=items_of(request.user, wanted, Role.VIEWER))
        lines = write_rows(TRAINING_COLUMNS, rows)
        response = StreamingHttpResponse(_in_pieces(lines), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="training.csv"'
        return response


async def _in_pieces(lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield some lines at once, each piece when the reader wants it: a slow one costs no memory."""
    while piece := await sync_to_async(lambda: "".join(islice(lines, _LINES)))():
        yield piece
