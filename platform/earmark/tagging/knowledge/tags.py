"""A tag, the reason why it is there, and where synonyms come from: values, no rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from earmark_plugin_api import Label


class Decision(StrEnum):
    """What happens to a tag."""

    ACCEPT = "accept"
    REVIEW = "review"
    DROP = "drop"


class Origin(StrEnum):
    """Who said the word: the classifier's label or the lexicon."""

    CLASSIFIER = "classifier"
    SYNONYM = "synonym"


class Rule(StrEnum):
    """The rule that decided about a tag."""

    THRESHOLD = "threshold"
    LABEL_THRESHOLD = "label-threshold"
    OTHER_NAME = "other-name-of-label"
    SYNONYM = "synonym-of-label"
    BELOW_THRESHOLD = "between-review-and-accept"
    BLACKLISTED = "blacklisted-label"
    ABSTRACT = "abstract-label"
    PARENT = "descendant-accepted"
    SILENCE = "silence-beside-sound"
    DENIED = "denied-by-policy"
    LIMIT = "over-limit-of-file"


@dataclass(frozen=True)
class Synonym:
    """A word for a label and the WordNet synset it comes from (``hog.n.03``)."""

    text: str
    synset: str


class SynonymSource(Protocol):
    """Whatever knows synonyms of a label."""

    def synonyms_of(self, label: Label) -> Sequence[Synonym]:
        """Return the synonyms of a label, best first; empty where there are none."""
        ...


class _NoSynonyms:
    def synonyms_of(self, label: Label) -> Sequence[Synonym]:
        return ()


NO_SYNONYMS: SynonymSource = _NoSynonyms()
"""For a machine without WordNet: tags without synonyms."""


@dataclass(frozen=True)
class Why:
    """The reason a tag is there.

    Attributes
    ----------
    classifier : str
        Identity of the classifier, such as ``audioset@1.0.0``.
    score : float
        What it gave the label, in [0, 1].
    rule : Rule
        What decided.
    rules_version, policy_version
        Version of the rules and of the policy they were applied with.
    path : tuple of str
        From the tag back to the classifier: ``("Hog", "hog.n.03", "Pig", "audioset@1.0.0 0.83")``.
    """

    classifier: str
    score: float
    rule: Rule
    rules_version: int
    policy_version: str
    path: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the reason as plain values, for JSON."""
        return {**asdict(self), "rule": self.rule.value, "path": list(self.path)}

    def __str__(self) -> str:
        return " <- ".join(self.path)


@dataclass(frozen=True)
class DerivedTag:
    """A word for a file.

    Attributes
    ----------
    name : str
        As it is written into the file.
    confidence : float
        Score of the label behind it, in [0, 1].
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
