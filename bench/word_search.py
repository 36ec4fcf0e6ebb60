"""Tags against the words people had given the files: a weak truth that no network had a part in.

A name tells one sound of many and never all, so a tag that a name does not bear out may still be
right: every share here is a lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from earmark.tagging.knowledge import Ontology, load_ontology, load_ucs

ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("s", ""))
SHORTEST_SEARCH = 3
SAYS_NOTHING = frozenset({"sound", "effect", "other", "and", "the", "for", "with", "misc"})
SAYS_ANOTHER = frozenset({"Sanding"})
"""Labels that names seem to say and do not: steps on sand are no sanding."""


@dataclass(frozen=True)
class Term:
    """Something a file can be found by, and the label it comes from ("" where from none)."""

    text: str
    label_id: str


Terms = Sequence[Sequence[Term]]
"""Of each file."""


@dataclass(frozen=True)
class TagQuality:
    """How far terms agree with the names that say a label at all.

    Attributes
    ----------
    per_file : float
        Mean number of terms, over all files.
    precision : float
        Share of terms whose label the name says, or a kind of it, or what it is a kind of.
    recall : float
        Share of the labels said by names that are among the terms.
    """

    per_file: float
    precision: float
    recall: float


@dataclass(frozen=True)
class SearchHits:
    """What becomes of searches for the words of the files' own names.

    Attributes
    ----------
    searches, found : int
        Pairs of a file and a known word of its name; those where the word finds the file.
    sounds, sounds_found : int
        The same for the words that name a sound AudioSet has a label for.
    precision : float
        Of the files that the searches bring up, the share with the word in their name.
    """

    searches: int
    found: int
    sounds: int
    sounds_found: int
    precision: float


@cache
def stems(text: str) -> frozenset[str]:
    """Return the words of a text without the endings of plural and "-ing"."""
    return frozenset(_stem(word) for word in re.findall(r"[a-z]+", text.lower()))


@cache
def known_words() -> frozenset[str]:
    """Return the words that UCS or AudioSet have for sounds: what somebody may search for."""
    lines = load_ucs().values()
    texts = [f"{line.category} {line.subcategory} {' '.join(line.words)}" for line in lines]
    texts += [node.name for node in load_ontology().labels]
    words = frozenset().union(*map(stems, texts)) - {_stem(word) for word in SAYS_NOTHING}
    return frozenset(word for word in words if len(word) >= SHORTEST_SEARCH)


def labels_said(name: str) -> frozenset[str]:
    """Return the labels a name says: all words of the tag, or of another name of it, are there."""
    words = name_words(name)
    return frozenset(
        node.id
        for node in load_ontology().labels
        if node.tag not in SAYS_ANOTHER
        and any(stems(text) <= words for text in (node.tag, *node.other_names))
    )


def name_words(name: str) -> frozenset[str]:
    """Return the words of a name; "piano" beside another instrument is how that is played."""
    words = stems(name)
    return words - {"piano"} if words & _other_instruments() else words


def judge_tags(names: Sequence[str], terms: Terms) -> TagQuality:
    """Compare the terms of files with their names."""
    ontology = load_ontology()
    said = [labels_said(name) for name in names]
    right = total = recalled = wanted = 0
    for labels, own in zip(said, terms, strict=True):
        if not labels:
            continue
        related = _related(labels, ontology)
        judged = [term for term in own if term.label_id]
        total += len(judged)
        right += sum(term.label_id in related for term in judged)
        wanted += len(labels)
        recalled += len(labels & {term.label_id for term in judged})
    return TagQuality(
        per_file=sum(map(len, terms)) / len(terms),
        precision=right / max(1, total),
        recall=recalled / max(1, wanted),
    )


def count_hits(names: Sequence[str], terms: Terms) -> SearchHits:
    """Search for each known word of each name."""
    asked = [name_words(name) & known_words() for name in names]
    sounds = [words & _words_of_labels(name) for words, name in zip(asked, names, strict=True)]
    reached = [frozenset().union(*(stems(term.text) for term in own)) for own in terms]
    searches = frozenset().union(*asked)
    hits = _count_common(asked, reached)
    return SearchHits(
        searches=sum(map(len, asked)),
        found=hits,
        sounds=sum(map(len, sounds)),
        sounds_found=_count_common(sounds, reached),
        precision=hits / max(1, sum(len(own & searches) for own in reached)),
    )


def _count_common(asked: Sequence[frozenset[str]], reached: Sequence[frozenset[str]]) -> int:
    return sum(len(words & own) for words, own in zip(asked, reached, strict=True))


def _words_of_labels(name: str) -> frozenset[str]:
    nodes = (load_ontology().get(label_id) for label_id in labels_said(name))
    texts = (text for node in nodes if node for text in (node.tag, *node.other_names))
    return frozenset().union(*map(stems, texts))


@cache
def _other_instruments() -> frozenset[str]:
    ontology = load_ontology()
    found = ontology.find("Musical instrument")
    below = ontology.descendants(found.id) if found else frozenset()
    tags = (node.tag for node in ontology.nodes if node.id in below)
    return frozenset(tag.lower() for tag in tags if tag.isalpha() and tag != "Piano")


def _related(labels: Collection[str], ontology: Ontology) -> frozenset[str]:
    above = (ontology.ancestors(label) for label in labels)
    below = (ontology.descendants(label) for label in labels)
    return frozenset(labels).union(*above, *below)


def _stem(word: str) -> str:
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + instead
    return word
