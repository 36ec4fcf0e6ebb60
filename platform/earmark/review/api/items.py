"""Items of the queue: list them, take the next, hold it, give it back."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.library.access import Role, visible_libraries
from earmark.review.api.filters import ItemFilterSet
from earmark.review.api.serializers import (
    HeldItemSerializer,
    HoldInput,
    NextInput,
    ReviewItemSerializer,
    ReviewItemViewSerializer,
)
from earmark.review.api.subjects import items_of, require_item, reviewer_of
from earmark.review.errors import ItemHeldError
from earmark.review.models import ReviewItem
from earmark.review.selectors import get_item_view
from earmark.review.services import Lease, lease_items, release_lease, renew_lease

_REVIEW = Access(Scope.REVIEW, Role.REVIEWER)


class ItemViewSet(ListModelMixin, ApiViewSet):
    """Tags that wait for a person."""

    access = {
        "list": Access(Scope.READ),
        "retrieve": Access(Scope.READ, Role.VIEWER),
        "take_next": Access(Scope.REVIEW),
        "lease": _REVIEW,
        "heartbeat": _REVIEW,
        "release": _REVIEW,
    }
    queryset = ReviewItem.objects.none()
    serializer_class = ReviewItemSerializer
    filterset_class = ItemFilterSet
    ordering = ("rank", "id")

    def get_queryset(self) -> QuerySet[ReviewItem]:
        """Return those of libraries that who asks may see, in the order of the queue."""
        items = ReviewItem.objects.filter(library__in=visible_libraries(self.request.user))
        if not self.request.query_params.get("state"):
            items = items.open()
        return items.select_related("file")

    @extend_schema(responses=ReviewItemViewSerializer)
    def retrieve(self, request: Request, item_id: int) -> Response:
        """Return all that a reviewer needs to know of an item."""
        item = require_item(request.user, item_id, self.role)
        return Response(ReviewItemViewSerializer(get_item_view(item=item)).data)

    @extend_schema(
        request=NextInput,
        responses={200: HeldItemSerializer(many=True), **errors(404)},
        filters=False,
    )
    def take_next(self, request: Request) -> Response:
        """Take the next items, from libraries in which you are a reviewer, and hold them.

        Nobody else gets them for five minutes, and for as long as you renew the hold. What you
        hold already is among them; the new hold replaces the old one. Empty when nothing waits.
        """
        wanted = self.read_input(NextInput)
        items = items_of(request.user, wanted, Role.REVIEWER)
        held = lease_items(items=items, reviewer=reviewer_of(request), limit=wanted["limit"])
        return Response(HeldItemSerializer(held, many=True).data)

    @extend_schema(request=None, responses={200: HeldItemSerializer, **errors(409)})
    def lease(self, request: Request, item_id: int) -> Response:
        """Take this very item and hold it, as `next` does."""
        item = require_item(request.user, item_id, self.role)
        same = ReviewItem.objects.filter(pk=item.pk)
        held = lease_items(items=same, reviewer=reviewer_of(request))
        if not held:
            raise ItemHeldError(f"Item {item_id} is not free, or you have decided about it.")
        return Response(HeldItemSerializer(held[0]).data)

    @extend_schema(request=HoldInput, responses={200: HeldItemSerializer, **errors(409)})
    def heartbeat(self, request: Request, item_id: int) -> Response:
        """Hold an item for five minutes more."""
        require_item(request.user, item_id, self.role)
        lease = Lease(item_id, self.read_input(HoldInput)["attempt"])
        item = renew_lease(lease=lease, reviewer=reviewer_of(request))
        return Response(HeldItemSerializer(item).data)

    @extend_schema(request=HoldInput, responses={204: None})
    def release(self, request: Request, item_id: int) -> Response:
        """Give an item back undecided; one that you do not hold stays as it is."""
        require_item(request.user, item_id, self.role)
        lease = Lease(item_id, self.read_input(HoldInput)["attempt"])
        release_lease(lease=lease, reviewer=reviewer_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
