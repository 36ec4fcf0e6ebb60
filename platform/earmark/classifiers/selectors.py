"""Questions about classifiers that the database answers."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion


def list_usable_classifiers() -> list[ClassifierVersion]:
    """Return the installed versions that are not switched off, by name."""
    return list(ClassifierVersion.objects.usable().order_by("name"))


def get_default_classifier() -> ClassifierVersion:
    """Return the classifier that is used where nobody names one.

    Raises
    ------
    ClassifierUnavailableError
        If it is not installed, broken or switched off.
    """
    name = settings.EARMARK_CLASSIFIER
    found = ClassifierVersion.objects.usable().filter(name=name).first()
    if found is None:
        raise ClassifierUnavailableError(f"The classifier {name!r} cannot be used now.")
    return found


def get_usable_classifiers(*, names: Sequence[str]) -> list[ClassifierVersion]:
    """Return classifiers that can be used, in the order of their names here.

    Raises
    ------
    ClassifierUnavailableError
        If one is not installed, is switched off, or is named twice.
    """
    found = {row.name: row for row in ClassifierVersion.objects.usable().filter(name__in=names)}
    unusable = [name for name in names if name not in found]
    if unusable:
        raise ClassifierUnavailableError(
            f"These classifiers cannot be used now: {', '.join(unusable)}.",
            context={"classifiers": unusable},
        )
    if len(found) < len(names):
        raise ClassifierUnavailableError("A classifier is named twice.")
    return [found[name] for name in names]
