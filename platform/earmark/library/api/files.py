"""Scans of libraries, and their files."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.views import ApiViewSet
from earmark.library.access import Role, require_library, visible_files, visible_libraries
from earmark.library.api.filters import FileFilter, ScanFilter
from earmark.library.api.serializers import FileSerializer, ScanInput, ScanSerializer
from earmark.library.models import AudioFile, Scan
from earmark.library.services import request_scan


class LibraryScanViewSet(ListModelMixin, ApiViewSet):
    """The scans of a library."""

    access = {
        "list": Access(Scope.READ, Role.VIEWER),
        "create": Access(Scope.WRITE, Role.EDITOR),
    }
    queryset = Scan.objects.none()
    serializer_class = ScanSerializer
    filterset_class = ScanFilter

    def get_queryset(self) -> QuerySet[Scan]:
        """Return those of the library of the address."""
        library = require_library(self.request.user, self.kwargs["library_id"], self.role)
        return Scan.objects.filter(library=library)

    @extend_schema(request=ScanInput, responses={202: ScanSerializer})
    @idempotent
    def create(self, request: Request, library_id: int) -> Response:
        """Ask for a scan; a worker does it. One that waits already is returned instead."""
        library = require_library(request.user, library_id, self.role)
        values = self.read_input(ScanInput)
        user = cast(User, request.user)
        scan = request_scan(library=library, under=values["under"], requested_by=user)
        return Response(ScanSerializer(scan).data, status=status.HTTP_202_ACCEPTED)


class ScanViewSet(RetrieveModelMixin, ApiViewSet):
    """Scans of all libraries."""

    access = {"retrieve": Access(Scope.READ, Role.VIEWER)}
    queryset = Scan.objects.none()
    serializer_class = ScanSerializer
    lookup_url_kwarg = "scan_id"

    def get_queryset(self) -> QuerySet[Scan]:
        """Return those that who asks may see."""
        libraries = visible_libraries(self.request.user, role=self.role)
        return Scan.objects.filter(library__in=libraries)


class FileViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Sound files, as they were when last seen."""

    access = {
        "list": Access(Scope.READ),
        "retrieve": Access(Scope.READ, Role.VIEWER),
    }
    queryset = AudioFile.objects.none()
    serializer_class = FileSerializer
    filterset_class = FileFilter
    lookup_url_kwarg = "file_id"
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[AudioFile]:
        """Return those that who asks may see."""
        return visible_files(self.request.user).select_related("library")
