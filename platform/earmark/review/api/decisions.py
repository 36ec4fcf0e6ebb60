"""Decisions: make them one by one or many at once, list them, take them back, import them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.core.errors import NotAllowedError
from earmark.library.access import Role, role_of, visible_libraries
from earmark.review.api.filters import DecisionFilterSet
from earmark.review.api.serializers import (
    DecisionBatchInput,
    DecisionBatchSerializer,
    DecisionInput,
    DecisionPreviewSerializer,
    DecisionSerializer,
    DecisionTableInput,
    ImportedDecisionsSerializer,
    ReviewItemInput,
)
from earmark.review.api.subjects import items_of, require_decision, require_item, reviewer_of
from earmark.review.models import Decision, ReviewItem
from earmark.review.services import (
    Word,
    decide,
    decide_batch,
    import_decisions,
    preview_batch,
    undo_batch,
    undo_decision,
)
from earmark.review.services.batches import MOST
from earmark.review.tables import read_decisions

_REVIEW = Access(Scope.REVIEW, Role.REVIEWER)


class DecisionViewSet(ListModelMixin, ApiViewSet):
    """What reviewers said."""

    access = {
        "list": Access(Scope.READ),
        "create": _REVIEW,
        "undo": _REVIEW,
        "preview": _REVIEW,
        "create_batch": Access(Scope.REVIEW),
        "undo_batch": _REVIEW,
        "import_table": Access(Scope.REVIEW),
    }
    queryset = Decision.objects.none()
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilterSet

    def get_queryset(self) -> QuerySet[Decision]:
        """Return the log of libraries that who asks may see, newest first.

        What others said about items on which somebody is still to be asked is left out.
        """
        waiting = Q(item__state=ReviewItem.State.OPEN, item__opinions__gt=0)
        seen = Decision.objects.filter(item__library__in=visible_libraries(self.request.user))
        return seen.exclude(waiting & ~Q(reviewer=reviewer_of(self.request)))

    @extend_schema(request=DecisionInput, responses={201: DecisionSerializer, **errors(404, 409)})
    @idempotent
    def create(self, request: Request) -> Response:
        """Decide about an item; tags, and files that Earmark keeps up, follow."""
        wanted = self.read_input(DecisionInput)
        item = require_item(request.user, wanted["item"], self.role)
        decision = decide(
            item_id=item.pk,
            reviewer=reviewer_of(request),
            word=_word(wanted),
            attempt=wanted.get("attempt"),
        )
        return Response(DecisionSerializer(decision).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: DecisionSerializer, **errors(409)})
    def undo(self, request: Request, decision_id: int) -> Response:
        """Take a decision back; those of others only as an editor."""
        decision = Decision.objects.filter(pk=decision_id).first()
        item = require_decision(request.user, decision, self.role)
        undone = undo_decision(
            decision_id=decision_id,
            reviewer=reviewer_of(request),
            anyone=_may_undo_all(request, item),
        )
        return Response(DecisionSerializer(undone).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=ReviewItemInput, responses={200: DecisionPreviewSerializer, **errors(404)}
    )
    def preview(self, request: Request) -> Response:
        """Return the items whose sound is nearly the same, for a batch; nothing is changed."""
        item = require_item(request.user, self.read_input(ReviewItemInput)["item"], self.role)
        found = preview_batch(item=item, reviewer=reviewer_of(request))
        return Response(DecisionPreviewSerializer(found).data)

    @extend_schema(
        operation_id="review_decisions_batch_create",
        request=DecisionBatchInput,
        responses={201: DecisionBatchSerializer},
    )
    @idempotent
    def create_batch(self, request: Request) -> Response:
        """Say the same about several items of libraries in which you are a reviewer.

        What cannot be decided is told and stops nothing.
        """
        wanted = self.read_input(DecisionBatchInput)
        result = decide_batch(
            item_ids=wanted["items"],
            reviewer=reviewer_of(request),
            word=_word(wanted),
            items=items_of(request.user, {}, Role.REVIEWER),
        )
        return Response(DecisionBatchSerializer(result).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="review_decisions_batch_undo_create",
        request=None,
        responses={201: DecisionSerializer(many=True), **errors(409)},
        filters=False,
    )
    def undo_batch(self, request: Request, batch_id: str) -> Response:
        """Take back all that still stands of a batch; those of others only as an editor."""
        decisions = Decision.objects.filter(batch=batch_id).order_by("pk")
        item = require_decision(request.user, decisions.first(), self.role)
        items = ReviewItem.objects.filter(pk__in=decisions.values("item_id"))
        mine = visible_libraries(request.user, role=self.role)
        if items.exclude(library__in=mine).exists():
            raise NotAllowedError(
                "The batch is also about libraries in which you are no reviewer.",
                hint="Take its decisions back one by one.",
            )
        others = decisions.exclude(item__library=item.library)
        undone = undo_batch(
            batch=batch_id,
            reviewer=reviewer_of(request),
            anyone=_may_undo_all(request, item) and not others.exists(),
        )
        answer = DecisionSerializer(undone, many=True).data
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=DecisionTableInput, responses={200: ImportedDecisionsSerializer, **errors(404)}
    )
    def import_table(self, request: Request) -> Response:
        """Take decisions from a table, each row by itself, for libraries you are a reviewer of.

        At most 200 rows, which take some seconds: split what is longer. Sent again it does nothing
        anew: what was decided is not asked any more.
        """
        wanted = self.read_input(DecisionTableInput)
        done = import_decisions(
            rows=read_decisions(wanted["table"], most=MOST),
            items=items_of(request.user, wanted, Role.REVIEWER),
            reviewer=reviewer_of(request),
            dry_run=wanted["dry_run"],
        )
        return Response(ImportedDecisionsSerializer(done).data)


def _word(wanted: dict[str, Any]) -> Word:
    return Word(Decision.Action(wanted["action"]), tuple(wanted["words"]), wanted["comment"])


def _may_undo_all(request: Request, item: ReviewItem) -> bool:
    role = role_of(request.user, item.library)
    return role is not None and role.covers(Role.EDITOR)
