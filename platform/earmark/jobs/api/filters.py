"""How lists of runs and jobs can be narrowed."""

from __future__ import annotations

from django_filters import rest_framework as django_filters

from earmark.core.api.filters import FilterSet, IdFilter
from earmark.jobs.models import Job, Run


class RunFilter(FilterSet):
    """By library, by how far they are, and by classifier."""

    library = IdFilter(field_name="library_id")
    state = django_filters.ChoiceFilter(choices=Run.State.choices)
    paused = django_filters.BooleanFilter(
        field_name="paused_at", lookup_expr="isnull", exclude=True
    )
    classifier = django_filters.CharFilter(field_name="classifiers__name", distinct=True)

    class Meta:
        model = Run
        fields = ["library", "state"]


class JobFilter(FilterSet):
    """By run, file, state and reason of failure."""

    run = IdFilter(field_name="run_id")
    file = IdFilter(field_name="file_id")
    state = django_filters.ChoiceFilter(choices=Job.State.choices)
    code = django_filters.CharFilter(field_name="reason_code")
    classifier = django_filters.CharFilter(field_name="classifier__name")

    class Meta:
        model = Job
        fields = ["run", "file", "state"]
