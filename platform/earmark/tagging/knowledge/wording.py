"""The words of one file in the making: which label, synonym or person's word gets which name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from earmark.tagging.knowledge.by_people import Decided, Saying, Verdict
from earmark.tagging.knowledge.judging import Ruling
from earmark.tagging.knowledge.ontology import load_ontology
from earmark.tagging.knowledge.said import PersonWords
from earmark.tagging.knowledge.tags import STANDS_IN, Decision, DerivedTag, Origin, Rule, Why
from earmark_plugin_api import Label


@dataclass(frozen=True, slots=True)
class Word:
    """A word that an accepted label brings, the same in every file."""

    name: str
    key: str
    origin: Origin
    rule: Rule
    via: tuple[str, ...]
    above: str = ""
    """The node above that has to be heard too, if there is such a condition."""


class Speech(Protocol):
    """Whatever knows what labels are called and which words they bring, the same in every file."""

    def name_of(self, label: Label) -> tuple[str, str]:
        """Return what a label is called in a file, and the folded form of that."""
        ...

    def is_forbidden(self, key: str) -> bool:
        """Whether a name, in folded form, is never written."""
        ...

    def words_of(self, label: Label) -> Sequence[Word]:
        """Return the words that a label brings when it is accepted, in their order."""
        ...


class LabelVerdicts:
    """What people decided about words, asked by label."""

    def __init__(self, speech: Speech, decided: Decided) -> None:
        self._speech = speech
        self._decided = decided

    def about(self, label: Label) -> tuple[Decision, Rule, Saying] | None:
        """Return decision, rule and who said so; None where the rules decide."""
        _, key = self._speech.name_of(label)
        verdict = self._decided.about(key)
        if verdict is None:
            return None
        if verdict.accepted:
            return Decision.ACCEPT, Rule.PERSON, verdict.saying
        rule = Rule.REJECTED if key in self._decided.verdicts else Rule.REPLACED
        return Decision.DROP, rule, verdict.saying


class Labels:
    """The tags of one file in the making: a label's own name goes before any word of another."""

    def __init__(
        self, speech: Speech, rulings: Sequence[Ruling], said: PersonWords, decided: Decided
    ) -> None:
        self._speech = speech
        self._said = said
        self._decided = decided
        self._heard = {ruling.candidate.label.id for ruling in rulings}
        self._taken: set[str] = set()
        self._accepted: list[tuple[Ruling, DerivedTag]] = []
        self._rest: dict[Decision, list[Ruling]] = {Decision.REVIEW: [], Decision.DROP: []}
        for ruling in rulings:
            if ruling.decision is not Decision.ACCEPT:
                self._rest[ruling.decision].append(ruling)
                continue
            name, key = speech.name_of(ruling.candidate.label)
            if ruling.person is None and speech.is_forbidden(key):
                ruling.become(Decision.DROP, Rule.FORBIDDEN)
                self._rest[Decision.DROP].append(ruling)
            elif key not in self._taken:
                self._taken.add(key)
                self._accepted.append((ruling, self._tag(ruling, name, key)))
        self._spoken = [
            _spoken(verdict) for key, verdict in decided.accepted.items() if key not in self._taken
        ]
        self._taken.update(decided.accepted)
        # A word that waits for a person as a label is left to them, except that what is above an
        # accepted label is as sure as the label.
        self._waiting = {
            speech.name_of(one.candidate.label)[1]: one.rule for one in self._rest[Decision.REVIEW]
        }

    def accepted(self) -> list[DerivedTag]:
        """Return what only people said, then the accepted labels, each followed by its words."""
        result = list(self._spoken)
        for ruling, tag in self._accepted:
            result.append(tag)
            for word in self._speech.words_of(ruling.candidate.label):
                if word.key not in self._taken and self._is_free(word):
                    self._taken.add(word.key)
                    result.append(self._word(ruling, word))
        return result

    def others(self) -> list[DerivedTag]:
        """Return what waits for a person, then what was dropped; to be asked last."""
        result = []
        for ruling in (*self._rest[Decision.REVIEW], *self._rest[Decision.DROP]):
            name, key = self._speech.name_of(ruling.candidate.label)
            if key not in self._taken:
                self._taken.add(key)
                result.append(self._tag(ruling, name, key))
        return result

    def _is_free(self, word: Word) -> bool:
        if self._decided.refuses(word.key):
            return False
        if word.above and word.above not in self._heard:
            return False
        waits_by = self._waiting.get(word.key)
        if word.rule is Rule.PARENT_WORD:
            return waits_by in (None, Rule.BELOW_THRESHOLD)
        return waits_by is None

    def _tag(self, ruling: Ruling, name: str, key: str) -> DerivedTag:
        label = ruling.candidate.label
        spelt = self._spelling_of(key)
        written = spelt if spelt is not None and ruling.decision is Decision.ACCEPT else name
        via: tuple[str, ...] = () if written == label.name else (label.name,)
        if ruling.children:
            via = (*via, " + ".join(ruling.children))
        votes, said = ruling.candidate.votes, key in self._said.spelling
        return DerivedTag(
            written,
            ruling.candidate.score,
            label.name,
            label.id,
            _origin_of(ruling),
            ruling.decision,
            Why(ruling.rule, via, votes, said, ruling.against, ruling.person),
        )

    def _spelling_of(self, key: str) -> str | None:
        """Return a word as a person spelt it; None where none did."""
        verdict = self._decided.verdicts.get(key)
        return verdict.name if verdict is not None else self._said.spelling.get(key)

    def _word(self, ruling: Ruling, word: Word) -> DerivedTag:
        item = ruling.candidate
        spelt = self._said.spelling.get(word.key)
        return DerivedTag(
            word.name if spelt is None else spelt,
            item.score,
            item.label.name,
            item.label.id,
            word.origin,
            Decision.ACCEPT,
            Why(word.rule, word.via, item.votes, spelt is not None),
        )


def _origin_of(ruling: Ruling) -> Origin:
    if ruling.rule is Rule.PERSON:
        return Origin.PERSON
    return Origin.ONTOLOGY if ruling.rule in STANDS_IN else Origin.CLASSIFIER


def _spoken(verdict: Verdict) -> DerivedTag:
    """Return the tag of a word that only a person said; a label's name is found as the label is."""
    node = load_ontology().find(verdict.name)
    return DerivedTag(
        verdict.name,
        1.0,
        node.name if node else "",
        node.id if node else "",
        Origin.PERSON,
        Decision.ACCEPT,
        Why(Rule.PERSON, (), (), person=verdict.saying),
    )


def within_limit(tags: Sequence[DerivedTag], limit: int) -> list[DerivedTag]:
    """Keep so many tags, labels before the words they bring, in their order; all of a person."""
    spoken = [at for at, tag in enumerate(tags) if tag.origin is Origin.PERSON]
    others = [at for at, tag in enumerate(tags) if tag.origin is not Origin.PERSON]
    others.sort(key=lambda at: (not tags[at].is_label, at))
    kept = {*spoken, *others[: max(0, limit - len(spoken))]}
    return [tag for at, tag in enumerate(tags) if at in kept]
