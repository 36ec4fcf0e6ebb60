"""Classifiers that this installation has seen."""

from __future__ import annotations

from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.classifiers.api.serializers import ClassifierDetailSerializer, ClassifierSerializer
from earmark.classifiers.models import ClassifierVersion
from earmark.core.api.access import Access
from earmark.core.api.filters import FilterSet
from earmark.core.api.views import ApiViewSet


class ClassifierFilter(FilterSet):
    """By name, and whether they can be used."""

    name = django_filters.CharFilter()
    installed = django_filters.BooleanFilter()
    enabled = django_filters.BooleanFilter()

    class Meta:
        model = ClassifierVersion
        fields = ["name", "installed", "enabled"]


class ClassifierViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Versions of classifiers. Results refer to them, so they stay when they are uninstalled."""

    access = {"list": Access(Scope.READ), "retrieve": Access(Scope.READ)}
    queryset = ClassifierVersion.objects.all()
    serializer_class = ClassifierSerializer
    filterset_class = ClassifierFilter
    lookup_url_kwarg = "classifier_id"

    @extend_schema(responses=ClassifierDetailSerializer)
    def retrieve(self, request: Request, classifier_id: int) -> Response:
        """Return a classifier with its labels."""
        return Response(ClassifierDetailSerializer(self.get_object()).data)
