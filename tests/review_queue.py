"""Files with tags that wait for a person, for tests: heard, derived, and in the queue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile, Library
from earmark.review.models import ReviewItem
from earmark.review.services import refresh_noted
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.rules import Rules
from earmark.tagging.services import derive_file_tags
from tests.factories import LABELS, AudioFileFactory, ClassifierVersionFactory

SPEECH, DOG, BELL = "Male speech", "Dog", "Bell"


def listener() -> ClassifierVersion:
    """Return a classifier that describes sounds by two numbers."""
    return ClassifierVersionFactory(embedding_size=2)


def hear(
    library: Library,
    classifier: ClassifierVersion,
    *scores: float,
    angle: float | None = None,
    audio: str = "",
    path: str = "",
) -> AudioFile:
    """Return a new file of which a classifier has said something: scores of `LABELS`.

    `angle` in degrees is the direction of its embedding.
    """
    named = {"path": path} if path else {}
    file = AudioFileFactory(library=library, **named)
    file.audio_hash = audio or f"test:{file.pk}"
    file.save(update_fields=["audio_hash"])
    ranked = sorted(enumerate(scores), key=lambda pair: -pair[1])
    PredictionSet.objects.get_or_create(
        classifier=classifier,
        audio_hash=file.audio_hash,
        defaults={
            "scores": [[position, score, 0.0, 1.0] for position, score in ranked],
            "embedding": None if angle is None else _pointing(angle),
        },
    )
    return file


def derive(
    files: Sequence[AudioFile], classifier: ClassifierVersion, policy: TagPolicy | None = None
) -> None:
    """Derive the tags of files and bring the queue in line, as workers do."""
    rules = Rules((classifier,), policy or TagPolicy())
    derive_file_tags(files=files, rules=rules)
    for _ in refresh_noted():
        continue


def unsure_of(
    library: Library,
    classifier: ClassifierVersion,
    label: str = DOG,
    *,
    number: int = 1,
    angle: float | None = None,
    score: float = 0.2,
) -> list[ReviewItem]:
    """Return items for so many new files in which a label may be heard; each has one reviewer."""
    at = [name for _, name in LABELS].index(label if label != SPEECH else LABELS[0][1])
    scores = [score if at == position else 0.01 for position in range(len(LABELS))]
    files = [hear(library, classifier, *scores, angle=angle) for _ in range(number)]
    derive(files, classifier)
    items = ReviewItem.objects.filter(file__in=files, name=label)
    items.update(wanted=1)
    return list(items.select_related("file__library").order_by("file"))


def _pointing(angle: float) -> bytes:
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    return direction.astype("<f2").tobytes()
