"""Addresses of the queue, the log and what they teach."""

from __future__ import annotations

from django.urls import path

from earmark.review.api.decisions import DecisionViewSet
from earmark.review.api.items import ItemViewSet
from earmark.review.api.learning import StatsView, ThresholdsView, TrainingView

urlpatterns = [
    path("review/items", ItemViewSet.as_view({"get": "list"})),
    path("review/items/next", ItemViewSet.as_view({"post": "take_next"})),
    path("review/items/<int:item_id>", ItemViewSet.as_view({"get": "retrieve"})),
    path("review/items/<int:item_id>/lease", ItemViewSet.as_view({"post": "lease"})),
    path("review/items/<int:item_id>/heartbeat", ItemViewSet.as_view({"post": "heartbeat"})),
    path("review/items/<int:item_id>/release", ItemViewSet.as_view({"post": "release"})),
    path("review/decisions", DecisionViewSet.as_view({"get": "list", "post": "create"})),
    path("review/decisions/preview", DecisionViewSet.as_view({"post": "preview"})),
    path("review/decisions/batch", DecisionViewSet.as_view({"post": "create_batch"})),
    path(
        "review/decisions/batch/<slug:batch_id>/undo",
        DecisionViewSet.as_view({"post": "undo_batch"}),
    ),
    path("review/decisions/import", DecisionViewSet.as_view({"post": "import_table"})),
    path("review/decisions/<int:decision_id>/undo", DecisionViewSet.as_view({"post": "undo"})),
    path("review/stats", StatsView.as_view()),
    path("review/thresholds", ThresholdsView.as_view()),
    path("review/export", TrainingView.as_view()),
]
