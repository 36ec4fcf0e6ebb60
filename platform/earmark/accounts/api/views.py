"""Users, tokens and the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.api.filters import AuditFilter, UserFilter
from earmark.accounts.api.serializers import (
    AuditEntrySerializer,
    MeSerializer,
    NewTokenSerializer,
    TokenInput,
    TokenSerializer,
    UserChange,
    UserInput,
    UserSerializer,
)
from earmark.accounts.models import ApiToken, AuditEntry
from earmark.accounts.scopes import Scope
from earmark.accounts.selectors import list_tokens
from earmark.accounts.services import create_token, create_user, revoke_token, set_active
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView, ApiViewSet

_SUPERUSER = Access(Scope.ADMIN, superuser=True)


class UserViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Users; only superusers see and change them."""

    access = dict.fromkeys(("list", "retrieve", "create", "partial_update"), _SUPERUSER)
    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilter
    lookup_url_kwarg = "user_id"

    @extend_schema(request=UserInput, responses={201: UserSerializer, **errors(409)})
    def create(self, request: Request) -> Response:
        """Make a user. They see no library until they are given a role in one."""
        user = create_user(**self.read_input(UserInput))
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=UserChange, responses={200: UserSerializer, **errors(409)})
    def partial_update(self, request: Request, user_id: int) -> Response:
        """Deactivate a user, whose sessions and tokens then count no more, or activate one."""
        user = set_active(user=self.get_object(), **self.read_input(UserChange))
        return Response(UserSerializer(user).data)


class MeView(ApiView):
    """Who asks."""

    access = {"get": Access(Scope.READ)}

    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the account this request is made with."""
        user = cast(User, request.user)
        return Response(MeSerializer(user, context={"request": request}).data)


class TokenViewSet(ListModelMixin, ApiViewSet):
    """The tokens of who asks."""

    access = {
        "list": Access(Scope.ADMIN),
        "create": Access(Scope.ADMIN),
        "destroy": Access(Scope.ADMIN),
    }
    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Nobody sees the tokens of others."""
        return list_tokens(user=cast(User, self.request.user))

    @extend_schema(request=TokenInput, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. A token makes others with scopes it has itself, which end when it does."""
        values = self.read_input(TokenInput)
        days = values["days"]
        token, secret = create_token(
            user=cast(User, request.user),
            name=values["name"],
            scopes=values["scopes"],
            lifetime=timedelta(days=days) if days else None,
            made_with=request.auth if isinstance(request.auth, ApiToken) else None,
        )
        body = {**TokenSerializer(token).data, "token": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, token_id: int) -> Response:
        """Revoke a token."""
        revoke_token(token=get_object_or_404(self.get_queryset(), pk=token_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AuditViewSet(ListModelMixin, ApiViewSet):
    """What was done that somebody may later want to know of."""

    access = {"list": _SUPERUSER}
    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilter
