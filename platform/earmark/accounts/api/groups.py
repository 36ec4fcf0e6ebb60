"""Groups and who is in them."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db.models import Count, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.api.filters import GroupFilter
from earmark.accounts.api.serializers import (
    GroupInput,
    GroupSerializer,
    MemberInput,
    UserSerializer,
)
from earmark.accounts.scopes import Scope
from earmark.accounts.selectors import get_user
from earmark.accounts.services import add_member, create_group, delete_group, remove_member
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet

_SUPERUSER = Access(Scope.ADMIN, superuser=True)


class GroupViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Groups; only superusers see and change them. Their roles are given in the libraries."""

    access = dict.fromkeys(("list", "retrieve", "create", "destroy"), _SUPERUSER)
    queryset = Group.objects.annotate(members=Count("user")).order_by()
    serializer_class = GroupSerializer
    filterset_class = GroupFilter
    lookup_url_kwarg = "group_id"

    @extend_schema(request=GroupInput, responses={201: GroupSerializer, **errors(409)})
    def create(self, request: Request) -> Response:
        """Make a group with nobody in it."""
        group = create_group(**self.read_input(GroupInput))
        told = GroupSerializer(self.get_queryset().get(pk=group.pk)).data
        return Response(told, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, group_id: int) -> Response:
        """Remove a group; what its members may by it ends at once."""
        delete_group(group=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class MemberViewSet(ListModelMixin, ApiViewSet):
    """Who is in a group."""

    access = dict.fromkeys(("list", "create", "destroy"), _SUPERUSER)
    queryset = User.objects.none()
    serializer_class = UserSerializer

    def get_queryset(self) -> QuerySet[User]:
        """Return the members of the group of the address."""
        return User.objects.filter(groups=self._group())

    @extend_schema(request=MemberInput, responses={200: UserSerializer})
    def create(self, request: Request, group_id: int) -> Response:
        """Put somebody into a group, who then may what the group may."""
        group = self._group()
        user = get_user(named=self.read_input(MemberInput)["user"])
        add_member(group=group, user=user)
        return Response(UserSerializer(user).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, group_id: int, user_id: int) -> Response:
        """Take somebody out of a group."""
        remove_member(group=self._group(), user=get_object_or_404(self.get_queryset(), pk=user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _group(self) -> Group:
        return get_object_or_404(Group, pk=self.kwargs["group_id"])
