"""Addresses of this app, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.webhooks.api.views import DeliveryViewSet, WebhookViewSet

urlpatterns = [
    path("webhooks", WebhookViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "webhooks/<int:webhook_id>",
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("webhooks/<int:webhook_id>/secret", WebhookViewSet.as_view({"post": "rotate"})),
    path("webhooks/<int:webhook_id>/test", WebhookViewSet.as_view({"post": "test"})),
    path("webhooks/<int:webhook_id>/deliveries", DeliveryViewSet.as_view({"get": "list"})),
    path(
        "webhooks/<int:webhook_id>/deliveries/<int:delivery_id>",
        DeliveryViewSet.as_view({"get": "retrieve"}),
    ),
    path(
        "webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/redeliver",
        DeliveryViewSet.as_view({"post": "redeliver"}),
    ),
]
