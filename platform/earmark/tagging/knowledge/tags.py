"""A tag, the reason why it is there, and where synonyms come from: values, no rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from earmark.tagging.knowledge.by_people import Saying
from earmark.tagging.knowledge.opinions import Vote
from earmark_plugin_api import Label


class Decision(StrEnum):
    """What happens to a tag."""

    ACCEPT = "accept"
    REVIEW = "review"
    DROP = "drop"


class Origin(StrEnum):
    """Who said the word: a classifier's label, the ontology above it, the lexicon, a person."""

    CLASSIFIER = "classifier"
    ONTOLOGY = "ontology"
    SYNONYM = "synonym"
    TRANSLATION = "translation"
    PERSON = "person"


class Rule(StrEnum):
    """The rule that decided about a tag."""

    THRESHOLD = "threshold"
    LABEL_THRESHOLD = "label-threshold"
    TIED_CHILDREN = "stands-in-for-tied-children"
    UNSURE_CHILDREN = "stands-in-for-unsure-children"
    PARENT_WORD = "parent-of-label"
    OTHER_NAME = "other-name-of-label"
    SYNONYM = "synonym-of-label"
    TRANSLATION = "translation-of-label"
    BELOW_THRESHOLD = "between-review-and-accept"
    BLACKLISTED = "blacklisted-label"
    TIED = "tied-with-sibling"
    CONTRADICTS = "contradicts-a-person"
    ABSTRACT = "abstract-label"
    PARENT = "descendant-accepted"
    SILENCE = "silence-beside-sound"
    DENIED = "denied-by-policy"
    FORBIDDEN = "forbidden-by-thesaurus"
    LIMIT = "over-limit-of-file"
    PERSON = "said-by-a-person"
    REJECTED = "rejected-by-a-person"
    REPLACED = "left-out-by-a-person"


NO_VOTE = Vote("", 0.0)
"""What a word has that no classifier said."""

STANDS_IN = frozenset({Rule.TIED_CHILDREN, Rule.UNSURE_CHILDREN})
"""Rules by which a parent is accepted for its children's sake; it then counts as a label."""


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word for a label and where it comes from: a synset (``hog.n.03``) or ``thesaurus``."""

    text: str
    synset: str


class SynonymSource(Protocol):
    """Whatever knows synonyms of a label."""

    def synonyms_of(self, label: Label) -> Sequence[Synonym]:
        """Return the synonyms of a label, best first; empty where there are none."""
        ...

    def hypernyms_of(self, label: Label) -> Sequence[Synonym]:
        """Return broader words for a label, for searches only; empty where there are none."""
        ...


class _NoSynonyms:
    def synonyms_of(self, label: Label) -> Sequence[Synonym]:
        return ()

    def hypernyms_of(self, label: Label) -> Sequence[Synonym]:
        return ()


NO_SYNONYMS: SynonymSource = _NoSynonyms()
"""For a machine without WordNet: tags without synonyms."""


@dataclass(frozen=True, slots=True)
class Why:
    """The reason a tag is there. The versions of rules and policy are those of the derivation.

    Attributes
    ----------
    rule : Rule
        What decided.
    via : tuple of str
        What lies between the tag and the classifiers: ``("hog.n.03", "Pig")``.
    votes : tuple of Vote
        What the classifiers said, each with the seconds that speak most for it.
    said : bool
        Whether a person had written the same word; the tag is spelt as they did.
    against : str
        The person's word that the tag contradicts; empty where it contradicts none.
    person : Saying or None
        Who decided, where a person did.
    """

    rule: Rule
    via: tuple[str, ...]
    votes: tuple[Vote, ...]
    said: bool = False
    against: str = ""
    person: Saying | None = None

    @property
    def best(self) -> Vote:
        """The vote that speaks most for the tag, and where; `NO_VOTE` where there is none."""
        return max(self.votes, key=lambda vote: vote.score, default=NO_VOTE)

    def path(self, word: str) -> tuple[str, ...]:
        """Return the way from the word back to the classifiers, or to who decided.

        ``("Hog", "hog.n.03", "Pig", "audioset@1.1 0.83 at 2.0-3.0 s")``
        """
        heard = " + ".join(map(str, self.votes))
        return tuple(filter(None, (word, *self.via, heard, str(self.person or ""))))

    def as_dict(self) -> dict[str, Any]:
        """Return the reason as plain values, for JSON."""
        values: dict[str, Any] = {
            "rule": self.rule.value,
            "via": list(self.via),
            "votes": [[vote.classifier, vote.score, vote.start, vote.end] for vote in self.votes],
        }
        if self.said:
            values["said"] = True
        if self.against:
            values["against"] = self.against
        if self.person:
            values["person"] = self.person.as_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Why:
        """Read what `as_dict` gave."""
        return cls(
            rule=Rule(values["rule"]),
            via=tuple(values["via"]),
            votes=tuple(Vote(*vote) for vote in values["votes"]),
            said=values.get("said", False),
            against=values.get("against", ""),
            person=Saying.from_dict(person) if (person := values.get("person")) else None,
        )


@dataclass(frozen=True, slots=True)
class DerivedTag:
    """A word for a file.

    Attributes
    ----------
    name : str
        As it is written into the file.
    confidence : float
        Score of the label behind it, in [0, 1]; 1 for what a person said.
    label, label_id : str
        Display name and id of that label.
    origin : Origin
    decision : Decision
        Only accepted tags are written.
    why : Why
    """

    name: str
    confidence: float
    label: str
    label_id: str
    origin: Origin
    decision: Decision
    why: Why

    @property
    def is_label(self) -> bool:
        """Whether the tag is a label itself, no further word for one."""
        by_classifier = self.origin is Origin.CLASSIFIER and self.why.rule is not Rule.OTHER_NAME
        by_person = self.origin is Origin.PERSON and bool(self.label_id)
        return by_classifier or by_person or self.why.rule in STANDS_IN

    @property
    def path(self) -> str:
        """The way from the tag back to the classifiers, in one line."""
        return " <- ".join(self.why.path(self.name))
