"""Addresses of classifiers, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.classifiers.api.views import ClassifierViewSet

urlpatterns = [
    path("classifiers", ClassifierViewSet.as_view({"get": "list"})),
    path("classifiers/<int:classifier_id>", ClassifierViewSet.as_view({"get": "retrieve"})),
]
