"""Admin pages of webhooks and of the log of their messages. Secrets are on none of them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from earmark.core.admin import ResultAdmin, link_to_list
from earmark.webhooks.errors import NotRedeliverableError
from earmark.webhooks.models import Delivery, Webhook
from earmark.webhooks.services import queue_test, redeliver, update_webhook


@admin.register(Webhook)
class WebhookAdmin(ResultAdmin):
    """See, try and rest webhooks; they are made over the API, which shows the secret once."""

    list_display = ["id", "library", "url", "events", "active", "created_by", "log"]
    list_filter = ["active", "library"]
    list_select_related = ["library", "created_by"]
    search_fields = ["url"]
    exclude = ["secret"]
    actions = ["try_out", "rest", "wake"]

    @admin.display(description="see")
    def log(self, webhook: Webhook) -> SafeString:
        """Lead to the messages."""
        return link_to_list("webhooks_delivery", "messages", {"webhook__id__exact": webhook.pk})

    @admin.action(description="Send a test message", permissions=["steer"])
    def try_out(self, request: HttpRequest, webhooks: QuerySet[Webhook]) -> None:
        """Queue tests."""
        for webhook in webhooks:
            delivery = queue_test(webhook=webhook)
            self.message_user(request, f"Message {delivery.pk} to {webhook} is queued.")

    @admin.action(description="Let rest: tell nothing", permissions=["steer"])
    def rest(self, request: HttpRequest, webhooks: QuerySet[Webhook]) -> None:
        """Make webhooks inactive."""
        for webhook in webhooks:
            update_webhook(webhook=webhook, active=False)

    @admin.action(description="Tell again what happens from now on", permissions=["steer"])
    def wake(self, request: HttpRequest, webhooks: QuerySet[Webhook]) -> None:
        """Make webhooks active."""
        for webhook in webhooks:
            update_webhook(webhook=webhook, active=True)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say who may do this, although nobody may edit the rows."""
        return request.user.has_perm("webhooks.change_webhook")


@admin.register(Delivery)
class DeliveryAdmin(ResultAdmin):
    """What became of messages."""

    list_display = [
        *("id", "webhook", "event", "state", "attempts", "http_status", "error_code"),
        *("next_try_at", "created_at", "finished_at"),
    ]
    list_filter = ["state", "event", "webhook", "error_code"]
    list_select_related = ["webhook"]
    actions = ["send_again"]

    @admin.action(description="Send again", permissions=["steer"])
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Queue messages to be sent now."""
        for delivery in deliveries.select_related("webhook"):
            try:
                redeliver(delivery=delivery)
            except NotRedeliverableError as error:
                self.message_user(request, f"Message {delivery.pk}: {error}", messages.ERROR)
                continue
            self.message_user(request, f"Message {delivery.pk} is sent again.")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say who may do this, although nobody may edit the rows."""
        return request.user.has_perm("webhooks.change_delivery")
