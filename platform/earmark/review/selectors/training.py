"""Training data from what reviewers found right: file after file, however many there are."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from earmark.library.models import AudioFile
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.opinions import RIGHT, SAYS
from earmark.review.training_groups import Groups

BATCH = 500
"""Files that are read at once."""

_IDS_AT_ONCE = 1_000


def iterate_training_rows(*, items: ReviewItemQuerySet) -> Iterator[tuple[str, str, str]]:
    """Yield (path, word, group) of each file and word that reviewers found right.

    Words are those of the tags, and those that reviewers added. Files in one group are nearly
    the same, by any of their labels. Files that are not there now are left out. Of all files
    nothing is kept but their numbers.
    """
    decided = items.filter(
        state=ReviewItem.State.DECIDED, file__state=AudioFile.State.PRESENT
    ).exclude(effect=None)
    groups = _groups_of(decided)
    found = decided.order_by("file").values_list("file", flat=True).distinct()
    ids = array("q", found.iterator(chunk_size=_IDS_AT_ONCE))
    for start in range(0, len(ids), BATCH):
        yield from _rows_of(decided, ids[start : start + BATCH], groups)


def _groups_of(decided: ReviewItemQuerySet) -> Groups:
    groups = Groups()
    rows = decided.exclude(cluster=None).order_by("file").values_list("file", "cluster")
    by_file = groupby(rows.iterator(chunk_size=_IDS_AT_ONCE), key=itemgetter(0))
    for _, own in by_file:
        groups.join([cluster for _, cluster in own])
    return groups


def _rows_of(
    decided: ReviewItemQuerySet, ids: Sequence[int], groups: Groups
) -> Iterator[tuple[str, str, str]]:
    own = decided.filter(file__in=ids).order_by("file", "pk")
    rows = list(own.values_list("file", "cluster", "name", "effect"))
    said = Decision.objects.in_bulk([effect for *_, effect in rows])
    files = AudioFile.objects.select_related("library").in_bulk({file for file, *_ in rows})
    words: dict[int, dict[str, None]] = defaultdict(dict)
    cluster_of: dict[int, int | None] = {}
    for file, cluster, name, effect in rows:
        decision = said[effect]
        right = [name] if SAYS[decision.action] == RIGHT else []
        words[file].update(dict.fromkeys([*right, *decision.words]))
        cluster_of[file] = cluster_of.get(file) or cluster
    for file, named in words.items():
        group = groups.name_of(file, cluster_of[file])
        for word in named:
            yield str(files[file].location), word, group
