"""How lists of accounts can be narrowed."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django_filters import rest_framework as django_filters

from earmark.accounts.acts import Act
from earmark.accounts.models import AuditEntry
from earmark.core.api.filters import FilterSet, IdFilter


class UserFilter(FilterSet):
    """By name, or by whether they may sign in."""

    username = django_filters.CharFilter()
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = User
        fields = ["username", "is_active"]


class GroupFilter(FilterSet):
    """By name."""

    name = django_filters.CharFilter()

    class Meta:
        model = Group
        fields = ["name"]


class AuditFilter(FilterSet):
    """By what was done, who did it, what it was done to, and when."""

    act = django_filters.ChoiceFilter(choices=[(act.value, act.value) for act in Act])
    actor_id = IdFilter()
    object_type = django_filters.CharFilter()
    object_id = IdFilter()
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ["act", "actor_id", "object_type", "object_id"]
