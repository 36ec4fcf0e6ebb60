"""What each rule means, in words for people; programs get the codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earmark.tagging.knowledge.tags import Rule

RULE_WORDS: Mapping[Rule, str] = MappingProxyType(
    {
        Rule.THRESHOLD: "its score reaches the policy's threshold",
        Rule.LABEL_THRESHOLD: "its score reaches the label's own threshold",
        Rule.TIED_CHILDREN: "several of its kinds score nearly the same, none surely",
        Rule.UNSURE_CHILDREN: "none of its kinds passes alone, together they do",
        Rule.PARENT_WORD: "the everyday word above an accepted label",
        Rule.OTHER_NAME: "another name of an accepted label",
        Rule.SYNONYM: "a synonym of an accepted label",
        Rule.TRANSLATION: "a translation of an accepted label",
        Rule.BELOW_THRESHOLD: "its score lies between the review and the accept threshold",
        Rule.BLACKLISTED: "AudioSet's authors found it too hard to judge without a person",
        Rule.TIED: "a sibling scores nearly the same; their parent stands in",
        Rule.CONTRADICTS: "a person named a sibling of it",
        Rule.ABSTRACT: "it only groups other labels and names no sound",
        Rule.PARENT: "a more specific label is accepted",
        Rule.SILENCE: "the file sounds",
        Rule.DENIED: "the policy's lists keep it out",
        Rule.FORBIDDEN: "the thesaurus forbids the word",
        Rule.LIMIT: "the policy allows no more for one file",
        Rule.PERSON: "a person said so",
        Rule.REJECTED: "a person said that it does not belong here",
        Rule.REPLACED: "a person said which words belong here, and it is none of them",
    }
)
