"""Hand the rows that other apps keep about one thing over to another."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, Value, When
from django.db.models.functions import Concat


def repoint_rows(old: models.Model, new: models.Model, *, prefix: str = "") -> None:
    """Let every row that refers to `old` by a foreign key refer to `new`.

    One-to-one rows stay: `new` may have its own. This app does not know who refers to it, so
    the models are asked.

    Parameters
    ----------
    prefix : str
        A folder in text form that becomes part of the rows' `under`, where they have that field.

    Raises
    ------
    IntegrityError
        If a row of `new` says the same already.
    """
    for relation in type(old)._meta.related_objects:
        if not relation.one_to_many:
            continue
        model = relation.related_model
        changes: dict[str, object] = {relation.field.name: new}
        if prefix and any(field.name == "under" for field in model._meta.get_fields()):
            changes["under"] = Case(
                When(under="", then=Value(prefix)),
                default=Concat(Value(f"{prefix}/"), "under", output_field=models.TextField()),
                output_field=models.TextField(),
            )
        model._default_manager.filter(**{relation.field.name: old}).update(**changes)
