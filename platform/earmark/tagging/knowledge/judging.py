"""Which labels of a file are accepted, wait for a person, or are dropped, and by which rule.

What a person decided about a label comes before all rules, and no rule changes it. The rules, in
this order:

1. A label is compared with its threshold. Denied and abstract ones are dropped, blacklisted ones
   wait for a person.
2. A label that is the sibling of what a person named, and not that, waits for a person.
3. "Silence" is no tag of a file that sounds.
4. A parent stands in for two or more children of which none passes, if together they do.
5. A label with an accepted descendant is dropped.
6. A parent stands in for accepted children that tie: none is sure, none is clearly ahead.
7. The least sure labels above the limit are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Protocol

from earmark.tagging.knowledge.by_people import Saying
from earmark.tagging.knowledge.ontology import Ontology, fold_name, load_ontology, tag_name
from earmark.tagging.knowledge.opinions import Candidate
from earmark.tagging.knowledge.policy import TagPolicy
from earmark.tagging.knowledge.said import NOTHING_SAID, PersonWords
from earmark.tagging.knowledge.tags import Decision, Rule
from earmark_plugin_api import Label

SILENCE_ID = "/m/028v0c"
TOO_BROAD = 12
"""A parent with more labels below it than this says too little to stand in for one of them."""
_TIED_AT_LEAST = 2


@dataclass(slots=True)
class Ruling:
    """What was decided about a candidate.

    Attributes
    ----------
    candidate : Candidate
    decision : Decision
    rule : Rule
    against : str
        The person's word it contradicts.
    children : tuple of str
        Tag names of the labels it stands in for.
    person : Saying or None
        Who decided, where a person did: no rule changes that.
    """

    candidate: Candidate
    decision: Decision
    rule: Rule
    against: str = ""
    children: tuple[str, ...] = ()
    person: Saying | None = None

    def become(self, decision: Decision, rule: Rule) -> None:
        """Change the decision, unless a person made it."""
        if self.person is None:
            self.decision, self.rule = decision, rule


class Verdicts(Protocol):
    """Whatever knows what people decided about a label of the file at hand."""

    def about(self, label: Label) -> tuple[Decision, Rule, Saying] | None:
        """Return what was decided, or None."""
        ...


class _NoVerdicts:
    def about(self, label: Label) -> tuple[Decision, Rule, Saying] | None:
        return None


NO_VERDICTS: Verdicts = _NoVerdicts()
"""For a file about which nobody decided anything."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the policy says about a label before it is heard."""

    threshold: float
    accepted_by: Rule
    blocked: tuple[Decision, Rule] | None


class Judge:
    """Applies a policy to what was heard in one file after the other.

    Parameters
    ----------
    policy : TagPolicy
    """

    def __init__(self, policy: TagPolicy) -> None:
        self._policy = policy
        self._ontology: Ontology = load_ontology()
        self._denied = _folded(policy.denied)
        self._allowed = _folded(policy.allowed)
        self._standings: dict[tuple[str, str], _Standing] = {}

    def judge(
        self,
        candidates: Sequence[Candidate],
        said: PersonWords = NOTHING_SAID,
        verdicts: Verdicts = NO_VERDICTS,
    ) -> list[Ruling]:
        """Return the rulings worth telling, surest first.

        Parameters
        ----------
        candidates : sequence of Candidate
            One a label, in any order.
        said : PersonWords
            What a person has written about the file.
        verdicts : Verdicts
            What people decided about its labels.
        """
        ranked = sorted(candidates, key=lambda one: (-one.score, one.label.id))
        rulings = [
            ruling for one in ranked if (ruling := self._judge_alone(one, verdicts)) is not None
        ]
        if said.label_ids:
            self._respect(rulings, said)
        self._drop_silence_beside_sound(rulings)
        self._stand_in_for_unsure(rulings, verdicts)
        self._drop_ancestors(rulings)
        self._stand_in_for_tied(rulings, verdicts)
        rulings.sort(key=_surest_first)
        limit = self._policy.max_labels
        if limit is not None:
            for ruling in _accepted(rulings)[limit:]:
                ruling.become(Decision.DROP, Rule.LIMIT)
        return rulings

    def is_unwanted(self, name: str) -> bool:
        """Whether a word is on the deny list."""
        return fold_name(name) in self._denied

    def allows(self, label: Label) -> bool:
        """Whether lists and ontology let a label be accepted without a person."""
        return self._standing(label).blocked is None

    def _judge_alone(self, item: Candidate, verdicts: Verdicts) -> Ruling | None:
        """Judge one label as if it were the only one."""
        decided = verdicts.about(item.label)
        if decided is not None:
            decision, rule, person = decided
            sure = replace(item, score=1.0) if decision is Decision.ACCEPT else item
            return Ruling(sure, decision, rule, person=person)
        standing = self._standing(item.label)
        if item.score < min(self._policy.review, standing.threshold):
            return None
        if item.score < standing.threshold and (
            standing.blocked is None or standing.blocked[0] is Decision.REVIEW
        ):
            return Ruling(item, Decision.REVIEW, Rule.BELOW_THRESHOLD)
        if standing.blocked is not None:
            return Ruling(item, *standing.blocked)
        return Ruling(item, Decision.ACCEPT, standing.accepted_by)

    def _standing(self, label: Label) -> _Standing:
        key = (label.id, label.name)
        known = self._standings.get(key)
        if known is None:
            known = self._standings[key] = self._find_standing(label)
        return known

    def _find_standing(self, label: Label) -> _Standing:
        threshold, special = self._policy.threshold_of(label)
        names = {label.id, fold_name(label.name), fold_name(tag_name(label.name))}
        blocked: tuple[Decision, Rule] | None = None
        if names & self._denied or (self._allowed and not names & self._allowed):
            blocked = Decision.DROP, Rule.DENIED
        elif self._ontology.is_abstract(label.id):
            blocked = Decision.DROP, Rule.ABSTRACT
        elif self._ontology.is_blacklisted(label.id):
            blocked = Decision.REVIEW, Rule.BLACKLISTED
        return _Standing(threshold, Rule.LABEL_THRESHOLD if special else Rule.THRESHOLD, blocked)

    def _respect(self, rulings: Sequence[Ruling], said: PersonWords) -> None:
        """Send labels to review that a person's words speak against."""
        heard = {ruling.candidate.label.id for ruling in rulings}
        unheard = {named: word for named, word in said.label_ids.items() if named not in heard}
        for ruling in _accepted(rulings):
            own = ruling.candidate.label.id
            if own in said.label_ids or not unheard.keys().isdisjoint(self._relatives(own)):
                continue
            siblings = self._ontology.siblings(own)
            rivals = sorted(word for named, word in unheard.items() if named in siblings)
            if rivals:
                ruling.become(Decision.REVIEW, Rule.CONTRADICTS)
                ruling.against = rivals[0]

    def _relatives(self, label_id: str) -> frozenset[str]:
        return self._ontology.ancestors(label_id) | self._ontology.descendants(label_id)

    def _drop_silence_beside_sound(self, rulings: Sequence[Ruling]) -> None:
        accepted = _accepted(rulings)
        silent = [ruling for ruling in accepted if _is_silence(ruling.candidate.label)]
        if len(accepted) > len(silent):
            for ruling in silent:
                ruling.become(Decision.DROP, Rule.SILENCE)

    def _stand_in_for_unsure(self, rulings: list[Ruling], verdicts: Verdicts) -> None:
        """Accept parents whose children wait for review and together pass.

        The children count as independent witnesses: ``1 - product(1 - score)``. A parent that
        models are trained on must have been heard itself, from the review threshold on.
        """
        unsure = [one for one in rulings if one.rule is Rule.BELOW_THRESHOLD]
        if len(unsure) < _TIED_AT_LEAST:
            return
        by_id = {one.candidate.label.id: one for one in rulings}
        accepted = [one.candidate.label.id for one in _accepted(rulings)]
        above = frozenset().union(*map(self._ontology.ancestors, accepted))
        for parent, children in self._families(unsure):
            own = by_id.get(parent)
            if parent in above or self._is_decided(parent, verdicts):
                continue
            if own is not None and own.rule is not Rule.BELOW_THRESHOLD:
                continue
            if own is None and self._ontology.is_trained(parent):
                continue
            together = 1.0 - prod(1.0 - child.candidate.score for child in children)
            self._stand_in(rulings, parent, own, children, together, Rule.UNSURE_CHILDREN)

    def _drop_ancestors(self, rulings: Sequence[Ruling]) -> None:
        accepted = _accepted(rulings)
        specific = set(self._ontology.most_specific(one.candidate.label.id for one in accepted))
        for ruling in accepted:
            if ruling.candidate.label.id not in specific:
                ruling.become(Decision.DROP, Rule.PARENT)

    def _stand_in_for_tied(self, rulings: list[Ruling], verdicts: Verdicts) -> None:
        """Accept parents of accepted children of which none is sure and none clearly ahead."""
        rulings.sort(key=_surest_first)
        accepted = _accepted(rulings)
        if len(accepted) < _TIED_AT_LEAST or not self._policy.tie_margin:
            return
        below: dict[str, int] = {}
        for ruling in accepted:
            for ancestor in self._ontology.ancestors(ruling.candidate.label.id):
                below[ancestor] = below.get(ancestor, 0) + 1
        by_id = {one.candidate.label.id: one for one in rulings}
        for parent, children in self._families(accepted):
            best, second = (child.candidate.score for child in children[:2])
            tied = best < self._policy.sure and best - second < self._policy.tie_margin
            still = all(child.decision is Decision.ACCEPT for child in children)
            if not tied or not still or below[parent] > len(children):
                continue
            if self._is_decided(parent, verdicts):
                continue
            own = by_id.get(parent)
            if self._stand_in(rulings, parent, own, children, best, Rule.TIED_CHILDREN):
                for child in children:
                    child.become(Decision.REVIEW, Rule.TIED)

    def _is_decided(self, label_id: str, verdicts: Verdicts) -> bool:
        node = self._ontology.get(label_id)
        return node is not None and verdicts.about(Label(node.id, node.name)) is not None

    def _families(self, rulings: Iterable[Ruling]) -> list[tuple[str, list[Ruling]]]:
        """Return the parents of two and more of these labels, the surest families first."""
        families: dict[str, list[Ruling]] = {}
        for ruling in rulings:
            for parent in self._ontology.parents(ruling.candidate.label.id):
                families.setdefault(parent, []).append(ruling)
        several = [item for item in families.items() if len(item[1]) >= _TIED_AT_LEAST]
        return sorted(several, key=lambda item: (-item[1][0].candidate.score, item[0]))

    def _stand_in(
        self,
        rulings: list[Ruling],
        parent: str,
        own: Ruling | None,
        children: Sequence[Ruling],
        score: float,
        rule: Rule,
    ) -> bool:
        """Accept a parent for its children's sake, if policy and ontology let it be written."""
        node = self._ontology.get(parent)
        if node is None or len(self._ontology.descendants(parent)) > TOO_BROAD:
            return False
        label = Label(node.id, node.name)
        standing = self._standing(label)
        score = max(score, own.candidate.score if own else 0.0)
        if standing.blocked is not None or score < standing.threshold:
            return False
        if own is not None and own.rule is Rule.CONTRADICTS:
            return False
        votes = tuple(vote for child in children for vote in child.candidate.votes)
        ruling = Ruling(
            Candidate(label, score, own.candidate.votes if own else votes),
            Decision.ACCEPT,
            rule,
            children=tuple(tag_name(child.candidate.label.name) for child in children),
        )
        if own is None:
            rulings.append(ruling)
        else:
            rulings[rulings.index(own)] = ruling
        return True


def _accepted(rulings: Iterable[Ruling]) -> list[Ruling]:
    return [ruling for ruling in rulings if ruling.decision is Decision.ACCEPT]


def _surest_first(ruling: Ruling) -> tuple[float, str]:
    return -ruling.candidate.score, ruling.candidate.label.id


def _is_silence(label: Label) -> bool:
    return label.id == SILENCE_ID or fold_name(label.name) == "silence"


def _folded(names: Iterable[str]) -> set[str]:
    """Return names and ids in comparable form; ids (``/m/...``) keep their case."""
    return {name if name.startswith("/") else fold_name(name) for name in names}
