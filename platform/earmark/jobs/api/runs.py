"""Runs: submit, watch and steer them; and their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.selectors import get_default_classifier, get_usable_classifiers
from earmark.core.api.access import Access
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiViewSet
from earmark.core.errors import NotFoundError
from earmark.jobs.api.filters import JobFilter, RunFilter
from earmark.jobs.api.serializers import (
    JobSerializer,
    RetryInput,
    RunDetailSerializer,
    RunInput,
    RunSerializer,
)
from earmark.jobs.models import Job, Run
from earmark.jobs.selection import Selection
from earmark.jobs.services import cancel_run, pause_run, resume_run, retry_run, submit_run
from earmark.library.access import Role, require_library, require_role, visible_libraries

_STEER = Access(Scope.WRITE, Role.EDITOR)


class RunViewSet(ListModelMixin, ApiViewSet):
    """Runs of classifiers over libraries."""

    access = {
        "list": Access(Scope.READ),
        "create": _STEER,
        "retrieve": Access(Scope.READ, Role.VIEWER),
        "pause": _STEER,
        "resume": _STEER,
        "cancel": _STEER,
        "retry": _STEER,
    }
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    filterset_class = RunFilter

    def get_queryset(self) -> QuerySet[Run]:
        """Return those of libraries that who asks may see."""
        runs = Run.objects.filter(library__in=visible_libraries(self.request.user))
        return runs.select_related("library", "requested_by").prefetch_related("classifiers")

    @extend_schema(request=RunInput, responses={202: RunDetailSerializer, **errors(404, 409)})
    @idempotent
    def create(self, request: Request) -> Response:
        """Submit a run; workers do it. Without anything left to classify it ends at once."""
        values = self.read_input(RunInput)
        library = require_library(request.user, values["library"], self.role)
        run = submit_run(
            library=library,
            classifiers=_find_classifiers(values["classifiers"]),
            under=values["under"],
            selection=Selection(query=values["query"], file_ids=values["files"]),
            mode=Run.Mode(values["mode"]),
            priority=values["priority"],
            limit=values["limit"],
            options={"command": "work", "write": values["write"], Run.FOLLOW_UP: True},
            requested_by=cast(User, request.user),
            keep_empty=True,
        )
        assert run is not None, "kept although it is empty"
        return self._answer(run, status.HTTP_202_ACCEPTED)

    @extend_schema(responses=RunDetailSerializer)
    def retrieve(self, request: Request, run_id: int) -> Response:
        """Return a run, and how many of its jobs are in which state."""
        return self._answer(self._get_run(run_id))

    @extend_schema(request=None, responses=RunDetailSerializer)
    def pause(self, request: Request, run_id: int) -> Response:
        """Let no more jobs be taken; what workers hold is finished."""
        pause_run(run=self._get_run(run_id))
        return self._answer(self._get_run(run_id))

    @extend_schema(request=None, responses=RunDetailSerializer)
    def resume(self, request: Request, run_id: int) -> Response:
        """Let jobs of a paused run be taken again."""
        resume_run(run=self._get_run(run_id))
        return self._answer(self._get_run(run_id))

    @extend_schema(request=None, responses=RunDetailSerializer)
    def cancel(self, request: Request, run_id: int) -> Response:
        """Give up what has not begun."""
        cancel_run(run=self._get_run(run_id))
        return self._answer(self._get_run(run_id))

    @extend_schema(request=RetryInput, responses={200: RunDetailSerializer, **errors(409)})
    def retry(self, request: Request, run_id: int) -> Response:
        """Queue failed jobs again."""
        run = self._get_run(run_id)
        retry_run(run=run, codes=self.read_input(RetryInput)["codes"])
        return self._answer(self._get_run(run_id))

    def _get_run(self, run_id: int) -> Run:
        run = self.get_queryset().filter(pk=run_id).first()
        if run is None:
            raise NotFoundError("There is no such run.")
        require_role(self.request.user, run.library, self.role)
        return run

    def _answer(self, run: Run, code: int = status.HTTP_200_OK) -> Response:
        return Response(RunDetailSerializer(run).data, status=code)


class JobViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Jobs: one classifier over one file, within one run."""

    access = {"list": Access(Scope.READ), "retrieve": Access(Scope.READ, Role.VIEWER)}
    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    lookup_url_kwarg = "job_id"

    def get_queryset(self) -> QuerySet[Job]:
        """Return those of runs that who asks may see."""
        jobs = Job.objects.select_related("file", "classifier")
        if self.request.user.is_superuser:
            return jobs
        # As numbers: so PostgreSQL knows how few they are, and does not go through the jobs of all
        # others in search of them.
        runs = Run.objects.filter(library__in=visible_libraries(self.request.user))
        return jobs.filter(run__in=list(runs.values_list("pk", flat=True)))


def _find_classifiers(names: Sequence[str]) -> list[ClassifierVersion]:
    return get_usable_classifiers(names=names) if names else [get_default_classifier()]
