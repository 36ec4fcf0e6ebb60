"""Where new items belong among the sounds that are nearly alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from django.db.models import F

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.selectors import get_embeddings
from earmark.review.candidates import Candidate
from earmark.review.clustering import MOST_LEADERS, group_sounds
from earmark.review.models import Cluster, ReviewItem

Vector = npt.NDArray[np.float32]


def find_places(new: Sequence[tuple[ReviewItem, Candidate]]) -> list[tuple[int | None, int]]:
    """Return for each new item its cluster, or None, and how many of it came before.

    Sounds are compared with those of the same library, label and classifier.
    """
    places: list[tuple[int | None, int]] = [(None, 0)] * len(new)
    by_classifier: dict[str, list[int]] = defaultdict(list)
    for at, (_, candidate) in enumerate(new):
        by_classifier[candidate.classifier].append(at)
    for classifier in _known(by_classifier):
        mine = by_classifier[classifier.identity]
        hashes = {new[at][0].audio_hash for at in mine}
        vectors = get_embeddings(classifier=classifier, audio_hashes=hashes)
        by_label: dict[tuple[int, str], list[int]] = defaultdict(list)
        for at in mine:
            if new[at][0].audio_hash in vectors:
                by_label[new[at][0].library_id, new[at][1].label].append(at)
        for (library_id, label), group in by_label.items():
            sounds = [vectors[new[at][0].audio_hash] for at in group]
            found = _join(library_id, label, classifier, sounds)
            for at, place in zip(group, found, strict=True):
                places[at] = place
    grown = Counter(cluster for cluster, _ in places if cluster is not None)
    # In one order: others do the same with other files, and nobody shall wait in a circle.
    for pk, number in sorted(grown.items()):
        Cluster.objects.filter(pk=pk).update(size=F("size") + number)
    return places


def _known(identities: Mapping[str, object]) -> list[ClassifierVersion]:
    names = [identity.rpartition("@")[0] for identity in identities]
    rows = ClassifierVersion.objects.filter(name__in=names, embedding_size__gt=0)
    return [row for row in rows if row.identity in identities]


def _join(
    library_id: int, label: str, classifier: ClassifierVersion, sounds: Sequence[Vector]
) -> list[tuple[int | None, int]]:
    """Put sounds to their clusters, new ones where there is none yet."""
    clusters = list(
        Cluster.objects.filter(library=library_id, label=label, classifier=classifier).order_by(
            "pk"
        )[:MOST_LEADERS]
    )
    leaders = [np.frombuffer(one.leader, "<f2").astype(np.float32) for one in clusters]
    grouping = group_sounds(sounds, leaders)
    sizes = [one.size for one in clusters]
    clusters += Cluster.objects.bulk_create(
        Cluster(
            library_id=library_id,
            label=label,
            classifier=classifier,
            leader=sounds[at].astype("<f2").tobytes(),
            size=0,
        )
        for at in grouping.leaders
    )
    sizes += [0] * len(grouping.leaders)
    places: list[tuple[int | None, int]] = []
    joined: dict[int, int] = defaultdict(int)
    for member in grouping.members:
        if member is None:
            places.append((None, 0))
            continue
        places.append((clusters[member].pk, sizes[member] + joined[member]))
        joined[member] += 1
    return places
