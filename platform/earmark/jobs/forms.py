"""The form behind "Start run with ..." on the page of libraries."""

from __future__ import annotations

from typing import Any

from django import forms

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.errors import SelectionError
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection, parse_query


class StartRunForm(forms.Form):
    """What a run may be told."""

    classifiers = forms.ModelMultipleChoiceField(ClassifierVersion.objects.none())
    mode = forms.ChoiceField(choices=Run.Mode.choices, initial=Run.Mode.MISSING)
    under = forms.CharField(required=False, help_text="A folder of the library; empty: all of it.")
    query = forms.CharField(
        required=False,
        help_text="Words that all must fit: tag:rain status:untagged format:wav path:ambience.",
    )
    priority = forms.IntegerField(
        initial=0, min_value=-100, max_value=100, help_text="Higher numbers are done first."
    )
    write = forms.BooleanField(
        required=False, initial=True, label="Write accepted tags into the files"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["classifiers"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = ClassifierVersion.objects.usable().order_by("name")

    def clean_query(self) -> str:
        """Refuse a query that nobody understands."""
        query = str(self.cleaned_data["query"])
        try:
            parse_query(query).condition()
        except SelectionError as error:
            raise forms.ValidationError(str(error), code=error.code) from error
        return query

    @property
    def selection(self) -> Selection:
        """Which files are meant, once the form is valid."""
        return Selection(query=self.cleaned_data["query"])
