"""Whom a run asks about its files, in which order, and who has said all there is to say."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionFailure, PredictionSet, Run

ORDER = "order"
"""Key in the options of a run: its classifiers as they were named, by their keys."""


def list_classifiers(*, run: Run) -> list[ClassifierVersion]:
    """Return the classifiers of a run as they were named; older runs did not keep that."""
    order = {pk: at for at, pk in enumerate(run.options.get(ORDER, []))}
    return sorted(run.classifiers.all(), key=lambda one: (order.get(one.pk, len(order)), one.pk))


def is_settled(classifier: ClassifierVersion) -> Q:
    """Say of a file whether its audio has a result of a classifier, or a lasting failure."""
    same = {"classifier": classifier, "audio_hash": OuterRef("audio_hash")}
    known = Exists(PredictionSet.objects.filter(**same))
    return Q(known) | Q(Exists(PredictionFailure.objects.filter(**same)))
