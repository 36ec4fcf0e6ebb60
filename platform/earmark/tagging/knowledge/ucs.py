"""The Universal Category System: its list, its file names, and the category of a file.

UCS files every sound under one of 753 subcategories, named by a CatID such as ``DOORWood``. The
words the list gives for a subcategory are associations for searching ("fire" finds twelve
CatIDs); they are never written as keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from earmark.tagging.knowledge.ontology import fold_name
from earmark.tagging.knowledge.tables import read_table
from earmark.tagging.knowledge.tags import Decision, DerivedTag
from earmark_plugin_api import Label

RUNNERS_UP = 3
_SUFFIX = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,5}$")
_BLOCKS_OF_A_FULL_NAME = 4


@dataclass(frozen=True)
class UcsCategory:
    """A line of the UCS list.

    Attributes
    ----------
    catid : str
        ``DOORWood``; its case is part of it.
    category, subcategory : str
        ``DOORS`` and ``WOOD``.
    explanation : str
    words : tuple of str
        Search associations.
    """

    catid: str
    category: str
    subcategory: str
    explanation: str
    words: tuple[str, ...]


class Relation(StrEnum):
    """How a CatID fits a label."""

    EXACT = "exact"
    """Both mean the same sounds."""
    BROAD = "broad"
    """The CatID holds the label and more: every Bark belongs to ANMLDog."""
    NARROW = "narrow"
    """The CatID is the likeliest home of the label, but only some of its sounds belong there."""
    NONE = "none"
    """The label says how something sounds, not what it is: no CatID follows from it."""


_FIT = {Relation.EXACT: 1.0, Relation.BROAD: 0.9, Relation.NARROW: 0.6}
"""How far a label vouches for its CatID; narrow relations are right about half of the time."""


@dataclass(frozen=True)
class LabelCategory:
    """What was decided by eye about one label; `catid` is empty where the relation is none."""

    catid: str
    relation: Relation


@dataclass(frozen=True)
class UcsName:
    """A file name in UCS's form.

    ``CatID(-UserCategory)_(VendorCategory-)FXName_CreatorID_SourceID(_UserData)``; blocks that
    are not there are empty.
    """

    catid: str
    user_category: str
    vendor_category: str
    fx_name: str
    creator_id: str
    source_id: str
    user_data: str


@dataclass(frozen=True)
class FileCategory:
    """The CatID of a file.

    Attributes
    ----------
    catid, category, subcategory : str
    confidence : float
        In [0, 1]; 1 where the file's own name says it.
    from_name : bool
        Whether it was read from the file name.
    runners_up : tuple of (str, float)
        CatIDs that were less sure, surest first, with their confidence.
    labels : tuple of str
        The labels that vouch for it; empty where it comes from the name.
    """

    catid: str
    category: str
    subcategory: str
    confidence: float
    from_name: bool
    runners_up: tuple[tuple[str, float], ...]
    labels: tuple[str, ...]


@lru_cache(maxsize=1)
def load_ucs() -> Mapping[str, UcsCategory]:
    """Return the UCS list by CatID, in the order of categories and subcategories."""
    rows = read_table("ucs.csv")
    return MappingProxyType(
        {
            row["catid"]: UcsCategory(
                row["catid"],
                row["category"],
                row["subcategory"],
                row["explanation"],
                tuple(row["words"].split(";")),
            )
            for row in rows
        }
    )


def category_of(label: Label) -> LabelCategory | None:
    """Return the CatID of a label, or None for a label nobody has decided about."""
    by_id, by_name = _label_categories()
    return by_id.get(label.id) or by_name.get(fold_name(label.name))


def parse_ucs_name(file_name: str) -> UcsName | None:
    """Take a file name apart, or return None if it does not start with a CatID.

    A CatID counts in its own case only. Those that are plain words in capitals ("RAIN",
    "TEST", "MIX") are taken for a CatID only in a name with all four blocks.

    Parameters
    ----------
    file_name : str
        Without folders; its extension does not matter.
    """
    blocks = _SUFFIX.sub("", file_name).split("_", 4)
    head, _, user_category = blocks[0].partition("-")
    if head not in load_ucs() or (head.isupper() and len(blocks) < _BLOCKS_OF_A_FULL_NAME):
        return None
    blocks += [""] * (5 - len(blocks))
    vendor, dash, name = blocks[1].partition("-")
    return UcsName(
        catid=head,
        user_category=user_category,
        vendor_category=vendor if dash else "",
        fx_name=name if dash else vendor,
        creator_id=blocks[2],
        source_id=blocks[3],
        user_data=blocks[4],
    )


def catid_from_filename(file_name: str) -> str | None:
    """Return the CatID a file name starts with, or None."""
    parsed = parse_ucs_name(file_name)
    return parsed.catid if parsed else None


def categorize(tags: Iterable[DerivedTag], file_name: str = "") -> FileCategory | None:
    """Choose the CatID of a file from its tags; one in the file name wins.

    Labels that vouch for the same CatID support each other as independent witnesses:
    ``1 - product(1 - score * fit)``.

    Parameters
    ----------
    tags : iterable of DerivedTag
        As `derive_tags` returns them; only accepted labels count.
    file_name : str
        Without folders.

    Returns
    -------
    FileCategory or None
        None where neither the name nor any accepted label has a CatID.
    """
    doubt: dict[str, float] = {}
    witnesses: dict[str, list[str]] = {}
    for tag in tags:
        if tag.decision is not Decision.ACCEPT or not tag.is_label:
            continue
        found = category_of(Label(tag.label_id, tag.label))
        if found is not None and found.catid:
            fit = _FIT[found.relation]
            doubt[found.catid] = doubt.get(found.catid, 1.0) * (1.0 - tag.confidence * fit)
            witnesses.setdefault(found.catid, []).append(tag.label)
    ranked = sorted(((catid, 1.0 - rest) for catid, rest in doubt.items()), key=_surest_first)
    named = catid_from_filename(file_name)
    if named is not None:
        others = [entry for entry in ranked if entry[0] != named]
        return _file_category(named, 1.0, others, (), from_name=True)
    if not ranked:
        return None
    (catid, confidence), *others = ranked
    return _file_category(catid, confidence, others, witnesses[catid], from_name=False)


def _file_category(
    catid: str,
    confidence: float,
    others: list[tuple[str, float]],
    labels: Iterable[str],
    *,
    from_name: bool,
) -> FileCategory:
    line = load_ucs()[catid]
    return FileCategory(
        catid=catid,
        category=line.category,
        subcategory=line.subcategory,
        confidence=confidence,
        from_name=from_name,
        runners_up=tuple(others[:RUNNERS_UP]),
        labels=tuple(labels),
    )


def _surest_first(entry: tuple[str, float]) -> tuple[float, str]:
    return -entry[1], entry[0]


@lru_cache(maxsize=1)
def _label_categories() -> tuple[dict[str, LabelCategory], dict[str, LabelCategory]]:
    """Return the committed decisions by label id and by folded label name."""
    by_id: dict[str, LabelCategory] = {}
    by_name: dict[str, LabelCategory] = {}
    for row in read_table("label_ucs.csv"):
        decided = LabelCategory(row["catid"], Relation(row["relation"]))
        by_id[row["id"]] = decided
        by_name.setdefault(fold_name(row["label"]), decided)
    return by_id, by_name
