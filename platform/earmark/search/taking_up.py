"""Keeping the matrices of this machine as long as the list of embeddings in the database."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.search.matrix import EmbeddingMatrix
from earmark.search.models import EmbeddingRow

_TAKEN_UP_AT_ONCE = 2000
_AT_ONCE = 500


def open_matrix(classifier: ClassifierVersion) -> EmbeddingMatrix:
    """Return the matrix of a classifier on this machine."""
    folder = Path(settings.DATA_DIR) / "search" / "embeddings" / str(classifier.pk)
    return EmbeddingMatrix(folder, classifier.embedding_size)


def take_up(
    classifier: ClassifierVersion, matrix: EmbeddingMatrix, *, most: int | None = None
) -> bool:
    """Add the embeddings that a matrix lacks, up to a number; return whether it has all."""
    if not _lacking(classifier, matrix).exists():
        return True
    added = 0
    with matrix.writing():
        while most is None or added < most:
            rows = dict(
                _lacking(classifier, matrix).values_list("pk", "prediction_set_id")[
                    :_TAKEN_UP_AT_ONCE
                ]
            )
            if not rows:
                return True
            stored = _read_embeddings(rows.values())
            matrix.add([(row, pk, stored.get(pk, b"")) for row, pk in rows.items()])
            added += len(rows)
    return not _lacking(classifier, matrix).exists()


def _lacking(classifier: ClassifierVersion, matrix: EmbeddingMatrix) -> QuerySet[EmbeddingRow]:
    rows = EmbeddingRow.objects.filter(classifier_id=classifier.pk, pk__gt=matrix.last)
    return rows.order_by("pk")


def _read_embeddings(sets: Collection[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    wanted = sorted(sets)
    for start in range(0, len(wanted), _AT_ONCE):
        rows = PredictionSet.objects.filter(pk__in=wanted[start : start + _AT_ONCE])
        found |= {pk: bytes(kept or b"") for pk, kept in rows.values_list("pk", "embedding")}
    return found
