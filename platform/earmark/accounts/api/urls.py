"""Addresses of accounts, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

# Tells the OpenAPI document how tokens are sent; here, so that commands need not load all of it.
from earmark.accounts.api import schema  # noqa: F401
from earmark.accounts.api.views import AuditViewSet, MeView, TokenViewSet, UserViewSet

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("users", UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/<int:user_id>",
        UserViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="user",
    ),
    path("tokens", TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<int:token_id>", TokenViewSet.as_view({"delete": "destroy"}), name="token"),
    path("audit", AuditViewSet.as_view({"get": "list"}), name="audit"),
]
