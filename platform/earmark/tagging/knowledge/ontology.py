"""The AudioSet ontology as a graph: labels, their parents, and what may become a tag.

The graph is a DAG: 38 of its 632 nodes have more than one parent ("Hiss" is a child of "Cat",
"Snake", "Steam" and others), so ancestors are a closure, not a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from earmark.tagging.knowledge.tables import read_table


@dataclass(frozen=True)
class OntologyNode:
    """One node of the ontology.

    Attributes
    ----------
    id : str
        AudioSet's identifier ("mid"), such as ``/m/0bt9lr``.
    name : str
        AudioSet's display name, such as ``Bee, wasp, etc.``.
    parents : tuple of str
        Ids of the parents; empty for the seven roots.
    restrictions : frozenset of str
        ``blacklist`` (hard to label reliably) and ``abstract`` (only groups others).
    index : int or None
        Column in a 527-class AudioSet model; None for nodes no model is trained on.
    tag : str
        The name as it is written into a file: ``Bee or wasp``.
    other_names : tuple of str
        What else the label itself calls the same sound: ``Housefly`` for "Fly, housefly".
    """

    id: str
    name: str
    parents: tuple[str, ...]
    restrictions: frozenset[str]
    index: int | None
    tag: str
    other_names: tuple[str, ...]


class Ontology:
    """Questions about labels by id; an id it does not know is a label without relatives."""

    def __init__(self, nodes: Iterable[OntologyNode]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._children: dict[str, list[str]] = {}
        for node in self._nodes.values():
            for parent in node.parents:
                self._children.setdefault(parent, []).append(node.id)
        self._by_name: dict[str, OntologyNode] = {}
        for node in self._nodes.values():
            self._by_name.setdefault(fold_name(node.name), node)
        for node in self._nodes.values():
            self._by_name.setdefault(fold_name(node.tag), node)
        self._ancestors: dict[str, frozenset[str]] = {}
        self._descendants: dict[str, frozenset[str]] = {}
        self._siblings: dict[str, frozenset[str]] = {}

    @property
    def nodes(self) -> tuple[OntologyNode, ...]:
        """All nodes; the 527 labels first, in the order of a model's columns."""
        return tuple(self._nodes.values())

    @property
    def labels(self) -> tuple[OntologyNode, ...]:
        """The 527 labels models are trained on, in the order of their columns."""
        return tuple(node for node in self._nodes.values() if node.index is not None)

    def get(self, label_id: str) -> OntologyNode | None:
        """Return the node of an id, or None for a label of some other vocabulary."""
        return self._nodes.get(label_id)

    def find(self, name: str) -> OntologyNode | None:
        """Return the node called `name` (display or tag name, whatever its case), or None."""
        return self._by_name.get(fold_name(name))

    def parents(self, label_id: str) -> tuple[str, ...]:
        """Return the ids of the direct parents."""
        node = self._nodes.get(label_id)
        return node.parents if node else ()

    def children(self, label_id: str) -> tuple[str, ...]:
        """Return the ids of the direct children."""
        return tuple(self._children.get(label_id, ()))

    def ancestors(self, label_id: str) -> frozenset[str]:
        """Return the ids of everything above a label, itself not included."""
        known = self._ancestors.get(label_id)
        if known is None:
            parents = self.parents(label_id)
            known = frozenset(parents).union(*(self.ancestors(parent) for parent in parents))
            self._ancestors[label_id] = known
        return known

    def descendants(self, label_id: str) -> frozenset[str]:
        """Return the ids of everything below a label, itself not included."""
        known = self._descendants.get(label_id)
        if known is None:
            children = self.children(label_id)
            known = frozenset(children).union(*(self.descendants(child) for child in children))
            self._descendants[label_id] = known
        return known

    def siblings(self, label_id: str) -> frozenset[str]:
        """Return the ids that share a direct parent with a label, itself not included."""
        known = self._siblings.get(label_id)
        if known is None:
            beside = (self.children(parent) for parent in self.parents(label_id))
            known = frozenset().union(*beside) - {label_id}
            self._siblings[label_id] = known
        return known

    def most_specific(self, accepted: Iterable[str]) -> list[str]:
        """Drop every label that has a descendant among `accepted`; the order is kept."""
        wanted = list(accepted)
        above = frozenset().union(*(self.ancestors(label_id) for label_id in wanted))
        return [label_id for label_id in wanted if label_id not in above]

    def is_trained(self, label_id: str) -> bool:
        """Whether models trained on AudioSet have a column for the label."""
        node = self._nodes.get(label_id)
        return node is not None and node.index is not None

    def is_blacklisted(self, label_id: str) -> bool:
        """Whether AudioSet's authors found the label too hard to judge without a person."""
        node = self._nodes.get(label_id)
        return node is not None and "blacklist" in node.restrictions

    def is_abstract(self, label_id: str) -> bool:
        """Whether the label only groups others and names no sound."""
        node = self._nodes.get(label_id)
        return node is not None and "abstract" in node.restrictions


@lru_cache(maxsize=1)
def load_ontology() -> Ontology:
    """Return the committed ontology, read once per process."""
    names = {row["id"]: row for row in read_table("audioset_tag_names.csv")}
    return Ontology(_node(row, names.get(row["id"])) for row in read_table("audioset_ontology.csv"))


def tag_name(label_name: str) -> str:
    """Return the name under which a label is written into files.

    AudioSet's comma names become one readable name ("Bee, wasp, etc." is ``Bee or wasp``); the
    names of other vocabularies lose their underscores ("Acoustic_guitar" is ``Acoustic guitar``).
    """
    node = load_ontology().find(label_name)
    return node.tag if node else _readable(label_name)


def other_names(label_name: str) -> tuple[str, ...]:
    """Return what else an AudioSet label calls the same sound: ``Car horn`` beside Vehicle horn."""
    node = load_ontology().find(label_name)
    return node.other_names if node else ()


@lru_cache(maxsize=16384)  # the same few thousand names come up for every file
def fold_name(name: str) -> str:
    """Return the form in which two spellings of a name are equal: case, hyphens, underscores."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _readable(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name).strip()


def _node(row: dict[str, str], names: dict[str, str] | None) -> OntologyNode:
    others = names["other_names"].split(";") if names and names["other_names"] else []
    return OntologyNode(
        id=row["id"],
        name=row["name"],
        parents=tuple(row["parents"].split()),
        restrictions=frozenset(row["restrictions"].split()),
        index=int(row["index"]) if row["index"] else None,
        tag=names["tag"] if names else row["name"],
        other_names=tuple(others),
    )


@dataclass(frozen=True)
class ParentWord:
    """The everyday word above a label, as "Dog" above "Bark".

    Attributes
    ----------
    id, word : str
        Of the node above.
    only_if_heard : bool
        Whether it is right only where the node above was heard too: what hisses may be a cat.
    """

    id: str
    word: str
    only_if_heard: bool


def parent_words(label_id: str) -> tuple[ParentWord, ...]:
    """Return the everyday words above a label, all decided by eye; most labels have none."""
    return _parent_words().get(label_id, ())


@lru_cache(maxsize=1)
def _parent_words() -> dict[str, tuple[ParentWord, ...]]:
    found: dict[str, tuple[ParentWord, ...]] = {}
    for row in read_table("parent_words.csv"):
        word = ParentWord(row["parent_id"], row["word"], row["when"] == "heard")
        found[row["id"]] = (*found.get(row["id"], ()), word)
    return found
