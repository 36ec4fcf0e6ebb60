"""Webhooks and deliveries as the API takes and gives them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark.core.api.fields import IdField
from earmark.webhooks.models import Delivery, Event, Webhook
from earmark.webhooks.sending import LONGEST_URL


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook. Its secret is shown once, when it is made."""

    events = serializers.ListField(child=serializers.ChoiceField(choices=Event.choices))
    created_by = serializers.StringRelatedField[Any](allow_null=True)

    class Meta:
        model = Webhook
        fields = ("id", "library", "url", "events", "active", "created_by", "created_at")
        read_only_fields = fields


class NewWebhookSerializer(WebhookSerializer):
    """A webhook that was just made, with its secret."""

    class Meta:
        model = Webhook
        fields = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields = fields


class SecretSerializer(serializers.Serializer[Any]):
    """A new secret; nobody will see it again."""

    secret = serializers.CharField()


class WebhookInput(serializers.Serializer[Any]):
    """A webhook to be made."""

    library = IdField(
        allow_null=True,
        default=None,
        help_text="What happens in this library; null, which only superusers may: in all.",
    )
    url = serializers.CharField(
        max_length=LONGEST_URL, help_text="`https://...`, or `http://...` without secrecy."
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.choices),
        allow_empty=False,
        max_length=len(Event),
    )


class WebhookChangeInput(serializers.Serializer[Any]):
    """What to change of a webhook."""

    url = serializers.CharField(max_length=LONGEST_URL, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Event.choices),
        allow_empty=False,
        max_length=len(Event),
        required=False,
    )
    active = serializers.BooleanField(
        required=False, help_text="What happens while it is not active is never told."
    )


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message, and what became of its last try."""

    class Meta:
        model = Delivery
        fields = (
            "id",
            "event",
            "state",
            "attempts",
            "next_try_at",
            "http_status",
            "error_code",
            "error_message",
            "body",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields
