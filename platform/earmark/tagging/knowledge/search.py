"""The words under which a file is found, beyond those that are written into it.

Ancestors ("Animal" for a dog) are too broad to be written, but whoever searches for them means
this file too. They follow from the labels alone, so no tag is stored for them: a file keeps one
text of all its search words, and a facet is the set of labels below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from earmark.tagging.knowledge.ontology import fold_name, load_ontology
from earmark.tagging.knowledge.tags import NO_SYNONYMS, Decision, DerivedTag, SynonymSource
from earmark_plugin_api import Label


def search_terms(
    tags: Iterable[DerivedTag], *, hypernyms: SynonymSource = NO_SYNONYMS
) -> list[str]:
    """Return every word under which a file should be found: accepted tags and their ancestors.

    Parameters
    ----------
    tags : iterable of DerivedTag
        Only accepted ones count.
    hypernyms : SynonymSource
        Where broader words of the lexicon come from, if they are wanted.
    """
    words: dict[str, str] = {}
    labels: dict[str, Label] = {}
    for tag in tags:
        if tag.decision is Decision.ACCEPT:
            words.setdefault(fold_name(tag.name), tag.name)
            labels.setdefault(tag.label_id, Label(tag.label_id, tag.label))
    for label in labels.values():
        for key, name in _above(label.id):
            words.setdefault(key, name)
        for word in hypernyms.hypernyms_of(label):
            words.setdefault(fold_name(word.text), word.text)
    return list(words.values())


def labels_below(word: str) -> frozenset[str]:
    """Return the ids of the labels that a facet holds: the node of this name and all below it.

    Empty where the ontology knows no such name.
    """
    ontology = load_ontology()
    node = ontology.find(word)
    return ontology.descendants(node.id) | {node.id} if node else frozenset()


def facets_of(label_id: str) -> list[str]:
    """Return the names of everything above a label, the broadest first; abstract groups too."""
    ontology = load_ontology()
    above = ontology.ancestors(label_id)
    ranked = sorted(above, key=lambda one: (-len(ontology.descendants(one)), one))
    return [node.tag for one in ranked if (node := ontology.get(one)) is not None]


@lru_cache(maxsize=1024)  # the ontology has 632 nodes
def _above(label_id: str) -> tuple[tuple[str, str], ...]:
    """Return the names above a label in the ontology's order, each with its folded form."""
    ontology = load_ontology()
    above = ontology.ancestors(label_id)
    names = (
        name
        for node in ontology.nodes
        if node.id in above and not ontology.is_abstract(node.id)
        for name in (node.tag, *node.other_names)
    )
    return tuple((fold_name(name), name) for name in names)
