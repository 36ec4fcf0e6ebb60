"""Webhooks: make them, try them, see what became of their messages."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.core.errors import NotAllowedError, NotFoundError
from earmark.library.access import Role, require_library
from earmark.webhooks.api.serializers import (
    DeliverySerializer,
    NewWebhookSerializer,
    SecretSerializer,
    WebhookChangeInput,
    WebhookInput,
    WebhookSerializer,
)
from earmark.webhooks.models import Delivery, Webhook
from earmark.webhooks.selectors import list_webhooks
from earmark.webhooks.services import (
    create_webhook,
    delete_webhook,
    queue_test,
    redeliver,
    rotate_secret,
    update_webhook,
)

_MANAGE = Access(Scope.ADMIN, Role.MANAGER)
_OWN = Access(Scope.ADMIN, Role.MANAGER, hidden=True)


class WebhookViewSet(ListModelMixin, ApiViewSet):
    """The webhooks of the libraries that somebody manages."""

    access = {
        "list": Access(Scope.ADMIN),
        "create": _MANAGE,
        "retrieve": _OWN,
        "partial_update": _OWN,
        "destroy": _OWN,
        "rotate": _OWN,
        "test": _OWN,
    }
    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer

    def get_queryset(self) -> QuerySet[Webhook]:
        """Return those that who asks manages; there are no others for them."""
        return list_webhooks(user=self.request.user)

    def _webhook(self, webhook_id: int) -> Webhook:
        webhook = self.get_queryset().filter(pk=webhook_id).first()
        if webhook is None:
            raise NotFoundError("There is no such webhook.")
        return webhook

    # Not idempotent: answers of those are stored, and this one holds the secret.
    @extend_schema(request=WebhookInput, responses={201: NewWebhookSerializer, **errors(404)})
    def create(self, request: Request) -> Response:
        """Make a webhook. The answer holds its secret: keep it, nobody will see it again."""
        values = self.read_input(WebhookInput)
        library = None
        if values["library"] is not None:
            library = require_library(request.user, values["library"], self.role)
        elif not request.user.is_superuser:
            raise NotAllowedError(
                "Only superusers may be told of all libraries.", hint="Name a library."
            )
        webhook, _ = create_webhook(
            library=library,
            url=values["url"],
            events=values["events"],
            created_by=cast(User, request.user),
        )
        return Response(NewWebhookSerializer(webhook).data, status=201)

    def retrieve(self, request: Request, webhook_id: int) -> Response:
        """Return a webhook."""
        return Response(WebhookSerializer(self._webhook(webhook_id)).data)

    @extend_schema(request=WebhookChangeInput, responses=WebhookSerializer)
    def partial_update(self, request: Request, webhook_id: int) -> Response:
        """Change a webhook, or let it rest."""
        webhook = self._webhook(webhook_id)
        changed = update_webhook(webhook=webhook, **self.read_input(WebhookChangeInput))
        return Response(WebhookSerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, webhook_id: int) -> Response:
        """Remove a webhook and its log."""
        delete_webhook(webhook=self._webhook(webhook_id))
        return Response(status=204)

    @extend_schema(request=None, responses=SecretSerializer)
    def rotate(self, request: Request, webhook_id: int) -> Response:
        """Give a webhook a new secret; the old one is worth nothing from now on."""
        return Response({"secret": rotate_secret(webhook=self._webhook(webhook_id))})

    @extend_schema(request=None, responses={202: DeliverySerializer, **errors(409)})
    @idempotent
    def test(self, request: Request, webhook_id: int) -> Response:
        """Send `webhook.test` within seconds; the log tells whether it arrived."""
        delivery = queue_test(webhook=self._webhook(webhook_id))
        return Response(DeliverySerializer(delivery).data, status=202)


class DeliveryViewSet(ListModelMixin, ApiViewSet):
    """The log of a webhook."""

    access = {"list": _OWN, "retrieve": _OWN, "redeliver": _OWN}
    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer

    def get_queryset(self) -> QuerySet[Delivery]:
        """Return the messages to one webhook, if who asks manages it."""
        if "webhook_id" not in self.kwargs:  # the OpenAPI document asks for the fields only
            return Delivery.objects.none()
        webhook = list_webhooks(user=self.request.user).filter(pk=self.kwargs["webhook_id"]).first()
        if webhook is None:
            raise NotFoundError("There is no such webhook.")
        return Delivery.objects.filter(webhook=webhook).select_related("webhook")

    def retrieve(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        """Return one message and what became of it."""
        return Response(DeliverySerializer(self._delivery(delivery_id)).data)

    @extend_schema(request=None, responses={202: DeliverySerializer, **errors(409)})
    @idempotent
    def redeliver(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        """Send a message within seconds, as it was: one that had arrived, failed or waits."""
        delivery = redeliver(delivery=self._delivery(delivery_id))
        return Response(DeliverySerializer(delivery).data, status=202)

    def _delivery(self, delivery_id: int) -> Delivery:
        delivery = self.get_queryset().filter(pk=delivery_id).first()
        if delivery is None:
            raise NotFoundError("There is no such delivery.")
        return delivery
