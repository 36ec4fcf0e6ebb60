"""How lists of tag writes can be narrowed."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django_filters import rest_framework as django_filters

from earmark.core.api.filters import FilterSet, IdFilter
from earmark.jobs.models import Job, Run
from earmark.writeback.models import TagWrite


class TagWriteFilter(FilterSet):
    """By library, file, run and what became of them."""

    library = IdFilter(field_name="file__library_id")
    file = IdFilter(field_name="file_id")
    run = IdFilter(
        method="of_run",
        help_text="Writes into the files of a run since it was submitted.",
    )
    state = django_filters.ChoiceFilter(choices=TagWrite.State.choices)
    code = django_filters.CharFilter(field_name="error_code")

    class Meta:
        model = TagWrite
        fields = ["file", "state"]

    def of_run(self, writes: QuerySet[TagWrite], name: str, number: int) -> QuerySet[TagWrite]:
        """Narrow down to the files of a run, from its submission on."""
        since = Run.objects.filter(pk=number).values("created_at")[:1]
        jobs = Job.objects.filter(run=number, file=OuterRef("file"))
        return writes.filter(Exists(jobs), created_at__gte=since)
