"""Files that sound like another, by the embeddings of a classifier: exact, no approximation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import QuerySet

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile
from earmark.search.backends import search_backend
from earmark.search.errors import NoEmbeddingError
from earmark.search.models import EmbeddingChange
from earmark.search.selectors.found import FoundFile, load_files
from earmark.search.taking_up import open_matrix, take_up

_MOST_IN_A_REQUEST = 20_000
_MOST_SETS = 10_000
_AT_ONCE = 500
_ON_DISK = (AudioFile.State.PRESENT, AudioFile.State.FAILED)


@dataclass(frozen=True)
class Similar:
    """Files that sound like one.

    Attributes
    ----------
    classifier : ClassifierVersion
        Whose embeddings were compared.
    files : list of (FoundFile, float)
        With their cosine similarity in [-1, 1], nearest first.
    complete : bool
        Whether these were all whose embedding is stored.
    """

    classifier: ClassifierVersion
    files: list[tuple[FoundFile, float]]
    complete: bool


def find_similar(
    file: AudioFile, *, visible: QuerySet[AudioFile], limit: int = 20, classifier: str = ""
) -> Similar:
    """Return the files that sound most like one, among those that may be seen.

    Raises
    ------
    NoEmbeddingError
        If no embedding of the file is stored.
    """
    chosen, vector = _embedding_of(file, classifier)
    matrix = open_matrix(chosen)
    complete = take_up(chosen, matrix, most=_MOST_IN_A_REQUEST)
    complete = complete and not EmbeddingChange.objects.exists()
    known = len(matrix)
    number = 4 * limit
    while True:
        sets, _ = matrix.nearest(vector, number)
        found = _files_of(sets.tolist(), vector, visible.exclude(pk=file.pk))
        if len(found) >= limit or number >= min(known, _MOST_SETS):
            break
        number = min(8 * number, _MOST_SETS)
    told = {one.id: one for one in load_files([pk for pk, _ in found[:limit]])}
    files = [(told[pk], score) for pk, score in found[:limit] if pk in told]
    enough = len(found) >= limit or known <= _MOST_SETS
    return Similar(chosen, files, complete and enough)


def _embedding_of(
    file: AudioFile, classifier: str
) -> tuple[ClassifierVersion, npt.NDArray[np.float32]]:
    """Return the embedding of a file by the classifier named, else by the usual or newest one."""
    sets = PredictionSet.objects.filter(audio_hash=file.audio_hash, embedding__isnull=False)
    rows = list(
        sets.exclude(audio_hash="").select_related("classifier").defer("scores", "timeline")
    )
    rows.sort(key=lambda row: row.classifier_id, reverse=True)
    if classifier:
        rows = [row for row in rows if classifier in (row.classifier.name, row.classifier.identity)]
    usual = settings.EARMARK_CLASSIFIER
    rows.sort(key=lambda row: row.classifier.name != usual)
    for row in rows:
        vector = np.frombuffer(bytes(row.embedding or b""), "<f2").astype(np.float32)
        if vector.size == row.classifier.embedding_size and vector.any():
            return row.classifier, vector / np.linalg.norm(vector)
    by = f" by {classifier}" if classifier else ""
    raise NoEmbeddingError(f"No embedding{by} of file {file.pk} is stored.")


def _files_of(
    sets: Sequence[int], vector: npt.NDArray[np.float32], visible: QuerySet[AudioFile]
) -> list[tuple[int, float]]:
    """Return the files of prediction sets, nearest first, by what is stored of them now."""
    similarity: dict[str, float] = {}
    for start in range(0, len(sets), _AT_ONCE):
        part = search_backend().is_one_of("pk", sets[start : start + _AT_ONCE])
        rows = PredictionSet.objects.filter(part)
        for audio_hash, packed in rows.values_list("audio_hash", "embedding"):
            if packed is not None and len(packed) == 2 * vector.size:
                other = np.frombuffer(bytes(packed), "<f2").astype(np.float32)
                norm = float(np.linalg.norm(other))
                if norm > 0:
                    cosine = float(other @ vector) / norm
                    similarity[audio_hash] = min(max(cosine, -1.0), 1.0)
    found: list[tuple[int, float]] = []
    hashes = sorted(similarity)
    for start in range(0, len(hashes), _AT_ONCE):
        files = visible.filter(state__in=_ON_DISK, audio_hash__in=hashes[start : start + _AT_ONCE])
        found += ((pk, similarity[key]) for pk, key in files.values_list("pk", "audio_hash"))
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))
