"""Addresses of accounts, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

# Tells the OpenAPI document how tokens are sent; here, so that commands need not load all of it.
from earmark.accounts.api import schema  # noqa: F401
from earmark.accounts.api.groups import GroupViewSet, MemberViewSet
from earmark.accounts.api.views import AuditViewSet, MeView, TokenViewSet, UserViewSet

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("users", UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/<int:user_id>",
        UserViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="user",
    ),
    path("groups", GroupViewSet.as_view({"get": "list", "post": "create"}), name="groups"),
    path(
        "groups/<int:group_id>",
        GroupViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="group",
    ),
    path(
        "groups/<int:group_id>/members",
        MemberViewSet.as_view({"get": "list", "post": "create"}),
        name="members",
    ),
    path(
        "groups/<int:group_id>/members/<int:user_id>",
        MemberViewSet.as_view({"delete": "destroy"}),
        name="member",
    ),
    path("tokens", TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<int:token_id>", TokenViewSet.as_view({"delete": "destroy"}), name="token"),
    path("audit", AuditViewSet.as_view({"get": "list"}), name="audit"),
]
