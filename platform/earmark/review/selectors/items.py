"""Which items wait, and what a reviewer needs to see of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from earmark.review.errors import ItemUnknownError
from earmark.review.models import Decision, DecisionQuerySet, ReviewItem, ReviewItemQuerySet
from earmark.tagging.knowledge import Evidence, Why, load_ontology
from earmark.tagging.models import Tag
from earmark.tagging.selectors import get_evidence, get_tags

NEIGHBOURS = 5


@dataclass(frozen=True)
class ItemFilter:
    """Which items are meant; what is empty does not matter.

    Attributes
    ----------
    libraries : queryset or sequence of Library, optional
        Only items of these.
    label : str
        A label, or the name that one of AudioSet has as a tag.
    kind : str
        One of `ReviewItem.Kind`.
    folder : str
        Folder below a library's root, in text form.
    classifier : str
        Name, or name and version: ``audioset`` or ``audioset@1.1.0``.
    """

    libraries: QuerySet[Library] | Sequence[Library] | None = None
    label: str = ""
    kind: str = ""
    folder: str = ""
    classifier: str = ""


def list_items(*, meant: ItemFilter | None = None) -> ReviewItemQuerySet:
    """Return items, whatever their state and in no order."""
    meant = meant or ItemFilter()
    items = ReviewItem.objects.all()
    if meant.libraries is not None:
        items = items.filter(library__in=meant.libraries)
    if meant.label:
        items = items.filter(label__in=_labels_called(meant.label))
    if meant.kind:
        items = items.filter(kind=meant.kind)
    if meant.folder:
        items = items.filter(file__path__startswith=f"{meant.folder.rstrip('/')}/")
    if "@" in meant.classifier:
        items = items.filter(classifier=meant.classifier)
    elif meant.classifier:
        versions = ClassifierVersion.objects.filter(name=meant.classifier)
        items = items.filter(classifier__in=[version.identity for version in versions])
    return items


def _labels_called(text: str) -> list[str]:
    """Return the labels that somebody may mean; by them, and not by tags, items are in order."""
    node = load_ontology().find(text)
    return list(dict.fromkeys((text, node.name) if node else (text,)))


def get_item(*, item_id: int, items: ReviewItemQuerySet | None = None) -> ReviewItem:
    """Return an item with its file, among all or among some.

    Raises
    ------
    ItemUnknownError
        If there is none.
    """
    rows = ReviewItem.objects.all() if items is None else items
    found = rows.select_related("file__library", "cluster").filter(pk=item_id).first()
    if found is None:
        raise ItemUnknownError(f"There is no item {item_id}.")
    return found


def count_items(*, items: ReviewItemQuerySet) -> dict[str, dict[str, int]]:
    """Count items: ``{"open": {"band": 3, ...}, "decided": {...}, "outdated": {...}}``."""
    counts = {state: dict.fromkeys(ReviewItem.Kind.values, 0) for state in ReviewItem.State.values}
    # Of rows, not of ids: an index alone can tell.
    rows = items.order_by().values_list("state", "kind").annotate(number=Count("*"))
    for state, kind, number in rows:
        counts[state][kind] = number
    return counts


def list_decisions(*, items: ReviewItemQuerySet | None = None) -> DecisionQuerySet:
    """Return the log, newest first: all of it, or what is about some items."""
    decisions = Decision.objects.order_by("-pk").select_related("undone_by")
    return decisions if items is None else decisions.filter(item__in=items.values("pk"))


@dataclass(frozen=True)
class Neighbour:
    """A sound that is nearly the same, and what was decided about the same label there."""

    item_id: int
    path: str
    score: float
    verdict: str


@dataclass(frozen=True)
class ItemView:
    """What a reviewer is shown of an item; not what other reviewers said about it.

    Attributes
    ----------
    item : ReviewItem
    why : tuple of str
        The way from the tag back to the classifiers; empty where the tag has gone.
    against : str
        The person's word that it contradicts.
    start, end : float or None
        Seconds that speak most for it.
    tags : sequence of Tag
        All tags of the file.
    evidence : Evidence
        What people had written.
    alike : int
        How many open items are nearly the same, this one included.
    neighbours : tuple of Neighbour
        Some sounds nearly the same.
    """

    item: ReviewItem
    why: tuple[str, ...]
    against: str
    start: float | None
    end: float | None
    tags: Sequence[Tag]
    evidence: Evidence
    alike: int
    neighbours: tuple[Neighbour, ...]


def get_item_view(*, item: ReviewItem) -> ItemView:
    """Return all that a reviewer is shown of an item."""
    tags = get_tags(file_ids=[item.file_id])[item.file_id]
    own = next((tag for tag in tags if tag.name == item.name and tag.why), None)
    why = Why.from_dict(own.why) if own else None
    cluster = ReviewItem.objects.alike(item)
    others = cluster.exclude(pk=item.pk).exclude(state=ReviewItem.State.OUTDATED)
    shown = others.select_related("file").order_by("-verdict", "rank")[:NEIGHBOURS]
    return ItemView(
        item=item,
        why=why.path(item.name) if why else (),
        against=why.against if why else "",
        start=why.best.start if why else None,
        end=why.best.end if why else None,
        tags=tags,
        evidence=get_evidence(file_ids=[item.file_id]).get(item.file_id, Evidence()),
        alike=cluster.filter(state=ReviewItem.State.OPEN).count(),
        neighbours=tuple(Neighbour(one.pk, one.file.path, one.score, one.verdict) for one in shown),
    )
