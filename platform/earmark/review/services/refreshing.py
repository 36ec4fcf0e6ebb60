"""Items from tags: what waits for a person follows from the tags, however often it is derived.

Whoever changes tags leaves a note (`earmark.review.change_log`), for making items takes longer than
deriving; the clock, or a person who opens the queue, works the notes off in large batches. A note
goes in the transaction that brings the file's items in line with its tags. So this may be cut off
anywhere and called any number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from earmark.library.models import AudioFile, Library
from earmark.review.candidates import Candidate, TagRow, find_candidates
from earmark.review.change_log import TAGS
from earmark.review.models import ReviewItem
from earmark.review.ranking import Rank
from earmark.review.services.clusters import find_places
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import Tag, TagSet

BATCH = 500

SWEEP = 2000
"""Files that are looked at in one go."""

_FREE: dict[str, object] = {"holder": "", "lease_until": None}


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did, in numbers of items."""

    new: int = 0
    changed: int = 0
    outdated: int = 0

    def __add__(self, other: Refreshed) -> Refreshed:
        return Refreshed(
            self.new + other.new, self.changed + other.changed, self.outdated + other.outdated
        )


def refresh_noted() -> Iterator[tuple[int, Refreshed]]:
    """Bring the items of all noted files in line with their tags.

    Yields how many files each batch had, and what was done. What was done is kept whenever this
    ends.
    """
    while True:
        with transaction.atomic():
            due = TAGS.take(BATCH)
            done = _refresh(sorted(due))
        if not due:
            return
        yield len(due), done


def sweep_items() -> Refreshed:
    """Work off some thousand notes, those that have waited longest; for the clock."""
    files, done = 0, Refreshed()
    for number, step in refresh_noted():
        files += number
        done += step
        if files >= SWEEP:
            break
    return done


def refresh_files(*, file_ids: Collection[int]) -> Refreshed:
    """Bring the items of files in line with their tags, in one transaction for some hundreds.

    New tags that want a person get items. Items whose tag has gone, was set by a person or
    belongs to other audio are closed as outdated, unless somebody has decided about them.
    """
    wanted = sorted(file_ids)
    done = Refreshed()
    for start in range(0, len(wanted), BATCH):
        done += _refresh(wanted[start : start + BATCH])
    return done


def refresh_library(*, library: Library | None = None) -> Iterator[tuple[int, Refreshed]]:
    """Bring the items of a library, or of all, in line with its tags.

    Yields how many files each batch had, and what was done. What was done is kept whenever this
    ends.
    """
    files = AudioFile.objects.order_by("pk")
    if library is not None:
        files = files.filter(library=library)
    after = 0
    while seen := list(files.filter(pk__gt=after).values_list("pk", flat=True)[:SWEEP]):
        yield len(seen), refresh_files(file_ids=seen)
        after = seen[-1]


@transaction.atomic
def _refresh(file_ids: Sequence[int]) -> Refreshed:
    # As in `store_tags`, in the same order: nobody derives these files while we look at them.
    files = AudioFile.objects.filter(pk__in=file_ids).order_by("pk")
    library_of = dict(files.select_for_update(no_key=True).values_list("pk", "library"))
    found = TagSet.objects.filter(file__in=library_of).order_by("file_id")
    sets = {one.file_id: one for one in found}
    standing: dict[int, list[ReviewItem]] = defaultdict(list)
    for item in ReviewItem.objects.filter(file__in=library_of):
        standing[item.file_id].append(item)
    plan = _Plan()
    for file_id, candidates in _candidates(list(sets.values())):
        plan.add(library_of[file_id], sets[file_id], candidates, standing[file_id])
    for file_id in standing.keys() - sets.keys():
        plan.close(standing[file_id])
    return plan.carry_out()


def _candidates(sets: Sequence[TagSet]) -> Iterator[tuple[int, list[Candidate]]]:
    policies: Mapping[str, TagPolicy] = {
        key: TagPolicy.from_values(values) if values else TagPolicy()
        for key, values in TagSet.objects.filter(pk__in=[one.pk for one in sets])
        .order_by()
        .values_list("basis", "basis__policy__values")
        .distinct()
    }
    tags: dict[int, list[TagRow]] = defaultdict(list)
    for file_id, *values in _tags_of([one.file_id for one in sets]):
        tags[file_id].append(TagRow(*values))
    for one in sets:
        found = find_candidates(
            tags[one.file_id], audio_hash=one.audio_hash, policy=policies[one.basis_id]
        )
        yield one.file_id, list(found)


def _tags_of(file_ids: Collection[int]) -> Iterable[tuple[Any, ...]]:
    """Return the rows of tags that may be asked about: labels that rules have decided on."""
    labels = Q(origin__in=[Tag.Origin.CLASSIFIER, Tag.Origin.ONTOLOGY], confidence__isnull=False)
    return Tag.objects.filter(labels, file__in=file_ids).values_list(
        *("file", "name", "confidence", "decision", "label", "mid", "origin", "why")
    )


class _Plan:
    """What is to be done to the items of a batch of files."""

    def __init__(self) -> None:
        self._new: list[tuple[ReviewItem, Candidate]] = []
        self._changed: list[ReviewItem] = []
        self._outdated: list[int] = []

    def add(
        self,
        library_id: int,
        tags: TagSet,
        found: Sequence[Candidate],
        standing: Sequence[ReviewItem],
    ) -> None:
        """Compare what is wanted for a file with what is there."""
        known = {one.name: one for one in standing if one.audio_hash == tags.audio_hash}
        wanted = {one.name: one for one in found}
        for name, candidate in wanted.items():
            item = known.get(name)
            if item is None:
                fresh = ReviewItem(
                    library_id=library_id, file_id=tags.file_id, audio_hash=tags.audio_hash
                )
                self._new.append((fresh, candidate))
            elif not item.opinions and item.state != ReviewItem.State.DECIDED:
                self._bring_up_to_date(item, candidate)
        for item in standing:
            heard = item.audio_hash == tags.audio_hash
            self._close_or_reopen(item, heard=heard, wanted=item.name in wanted)

    def close(self, standing: Sequence[ReviewItem]) -> None:
        """Ask no more about a file that has no tags any more."""
        for item in standing:
            self._close_or_reopen(item, heard=False, wanted=False)

    def carry_out(self) -> Refreshed:
        """Change the rows."""
        places = find_places([(item, one) for item, one in self._new])
        for (item, candidate), (cluster, place) in zip(self._new, places, strict=True):
            _describe(item, candidate)
            item.cluster_id = cluster
            item.rank = Rank(candidate.urgency, place, item.file_id).number
        ReviewItem.objects.bulk_create([item for item, _ in self._new], batch_size=BATCH)
        ReviewItem.objects.bulk_update(
            self._changed,
            [*Candidate.FIELDS, "rank", "state", "closed_at"],
            batch_size=BATCH,
        )
        ReviewItem.objects.filter(pk__in=self._outdated).update(
            state=ReviewItem.State.OUTDATED, closed_at=Now(), **_FREE
        )
        return Refreshed(len(self._new), len(self._changed), len(self._outdated))

    def _close_or_reopen(self, item: ReviewItem, *, heard: bool, wanted: bool) -> None:
        """Ask no more about what cannot be heard any more, nor about tags that have gone.

        Where somebody has answered and others are to, the tag may have gone by that very answer:
        then only other audio ends the question, and the audio that was asked about opens it again.
        """
        if item.state == ReviewItem.State.OPEN:
            if not heard or (not wanted and not item.opinions):
                self._outdated.append(item.pk)
        elif item.state == ReviewItem.State.OUTDATED and item.opinions and heard:
            item.state, item.closed_at = ReviewItem.State.OPEN, None
            self._changed.append(item)

    def _bring_up_to_date(self, item: ReviewItem, candidate: Candidate) -> None:
        before = (item.state, item.rank, *(getattr(item, name) for name in Candidate.FIELDS))
        _describe(item, candidate)
        item.rank = replace(Rank.read(item.rank), urgency=candidate.urgency).number
        item.state, item.closed_at = ReviewItem.State.OPEN, None
        after = (item.state, item.rank, *(getattr(item, name) for name in Candidate.FIELDS))
        if after != before:
            self._changed.append(item)


def _describe(item: ReviewItem, candidate: Candidate) -> None:
    for name in Candidate.FIELDS:
        setattr(item, name, getattr(candidate, name))
