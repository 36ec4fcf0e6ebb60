"""Webhooks and their log in the admin: seen, tried and sent again, never their secret."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from earmark.webhooks.models import Delivery, Event, Webhook
from earmark.webhooks.services import create_webhook, queue_test

pytestmark = pytest.mark.django_db

URL = "https://studio.example/hook"


@pytest.fixture
def hook(admin_user: User) -> Webhook:
    events = [Event.RUN_FINISHED]
    return create_webhook(library=None, url=URL, events=events, created_by=admin_user)[0]


def act(client: Client, page: str, action: str, row: int) -> str:
    """Do something with a row and return what the page says then."""
    body = {"action": action, "_selected_action": [row]}
    answer = client.post(reverse(f"admin:{page}_changelist"), body, follow=True)
    return answer.content.decode()


def test_pages_show_webhooks_and_messages_but_no_secret(admin_client: Client, hook: Webhook):
    delivery = queue_test(webhook=hook)
    for page, row in (("webhooks_webhook", hook.pk), ("webhooks_delivery", delivery.pk)):
        for address in (
            reverse(f"admin:{page}_changelist"),
            reverse(f"admin:{page}_change", args=[row]),
        ):
            answer = admin_client.get(address)
            assert answer.status_code == 200
            assert hook.secret not in answer.content.decode()
    assert URL in admin_client.get(reverse("admin:webhooks_webhook_changelist")).content.decode()
    assert admin_client.get(reverse("admin:webhooks_webhook_add")).status_code == 403


def test_webhooks_are_tried_and_put_to_rest(admin_client: Client, hook: Webhook):
    assert "is queued" in act(admin_client, "webhooks_webhook", "try_out", hook.pk)
    assert Delivery.objects.get().event == "webhook.test"
    for action, active in (("rest", False), ("wake", True)):
        act(admin_client, "webhooks_webhook", action, hook.pk)
        assert Webhook.objects.get().active is active


def test_messages_are_sent_again_once_they_are_over(admin_client: Client, hook: Webhook):
    delivery = queue_test(webhook=hook)
    over = {"state": "delivered", "next_try_at": None, "finished_at": delivery.created_at}
    Delivery.objects.update(**over, event=Event.RUN_FINISHED)
    Webhook.objects.update(active=False)
    assert "at rest" in act(admin_client, "webhooks_delivery", "send_again", delivery.pk)
    Webhook.objects.update(active=True)
    assert "sent again" in act(admin_client, "webhooks_delivery", "send_again", delivery.pk)
    assert Delivery.objects.get().state == "queued"
