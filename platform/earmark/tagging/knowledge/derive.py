"""From scores to tags, each with the reason why it is there.

`judging` decides about labels; here the accepted ones get their words: the everyday word above
them, the label's own other names, synonyms and translations. No name appears twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from earmark.tagging.knowledge.judging import Judge, Ruling
from earmark.tagging.knowledge.ontology import fold_name, load_ontology, parent_words
from earmark.tagging.knowledge.opinions import (
    Candidate,
    PackedScore,
    Voice,
    Vote,
    candidates_of,
    check_voices,
)
from earmark.tagging.knowledge.policy import TagPolicy
from earmark.tagging.knowledge.said import NOTHING_SAID, PersonWords
from earmark.tagging.knowledge.tags import (
    NO_SYNONYMS,
    STANDS_IN,
    Decision,
    DerivedTag,
    Origin,
    Rule,
    SynonymSource,
    Why,
)
from earmark.tagging.knowledge.thesaurus import NO_THESAURUS, Thesaurus
from earmark_plugin_api import Label, Prediction


def derive_tags(
    predictions: Iterable[Prediction],
    policy: TagPolicy | None = None,
    *,
    classifier: str,
    synonyms: SynonymSource = NO_SYNONYMS,
    thesaurus: Thesaurus = NO_THESAURUS,
    said: PersonWords = NOTHING_SAID,
) -> list[DerivedTag]:
    """Turn what one classifier said about a file into tags; see `Deriver` for many files.

    Parameters
    ----------
    predictions : iterable of Prediction
        Any order; labels of any vocabulary. A label that AudioSet does not know has no relatives.
    policy : TagPolicy, optional
        The default policy if left out.
    classifier : str
        Identity stored with every tag, such as ``audioset@1.0.0``.
    synonyms : SynonymSource
        Synonyms for accepted labels; none by default.
    thesaurus : Thesaurus
        The studio's own words; none by default.
    said : PersonWords
        What a person has written about the file.
    """
    policy = policy or TagPolicy()
    candidates = [
        Candidate(item.label, item.score, (Vote(classifier, item.score),))
        for item in predictions
        if item.score >= policy.floor
    ]
    return Deriver(policy, synonyms=synonyms, thesaurus=thesaurus).derive(candidates, said)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that an accepted label brings, the same in every file."""

    name: str
    key: str
    origin: Origin
    rule: Rule
    via: tuple[str, ...]
    above: str = ""
    """The node above that has to be heard too, if there is such a condition."""


class Deriver:
    """Derives the tags of any number of files by the same rules.

    Parameters
    ----------
    policy : TagPolicy
    voices : sequence of Voice
        The classifiers, in their order; only `derive_packed` needs them.
    synonyms, thesaurus
        See `derive_tags`.

    Raises
    ------
    UncalibratedError
        If the policy cannot be applied to these classifiers.
    """

    def __init__(
        self,
        policy: TagPolicy,
        *,
        voices: Sequence[Voice] = (),
        synonyms: SynonymSource = NO_SYNONYMS,
        thesaurus: Thesaurus = NO_THESAURUS,
    ) -> None:
        check_voices(voices, policy)
        self.policy = policy
        self._judge = Judge(policy)
        self._voices = tuple(voices)
        self._synonyms = synonyms
        self._thesaurus = thesaurus
        self._names: dict[tuple[str, str], tuple[str, str]] = {}
        self._words: dict[tuple[str, str], tuple[_Word, ...]] = {}

    def derive_packed(
        self, scores: Sequence[Sequence[PackedScore] | None], said: PersonWords = NOTHING_SAID
    ) -> list[DerivedTag]:
        """Derive the tags of a file from packed scores, one list a voice, None where it has none.

        See `derive` for what is returned.
        """
        opinions = [
            (voice, own) for voice, own in zip(self._voices, scores, strict=True) if own is not None
        ]
        return self.derive(candidates_of(opinions, self.policy), said)

    def derive(
        self, candidates: Sequence[Candidate], said: PersonWords = NOTHING_SAID
    ) -> list[DerivedTag]:
        """Derive the tags of a file.

        Returns
        -------
        list of DerivedTag
            Accepted tags first, surest label first, each label followed by its words; then the
            ones for review; then labels that passed the review threshold and were dropped by a
            rule. What scored lower is not mentioned. No name appears twice.
        """
        rulings = self._judge.judge(candidates, said)
        labels = _Labels(self, rulings, said)
        tags = labels.accepted()
        limit = self.policy.max_words
        if limit is not None and len(tags) > limit:
            tags = _within_limit(tags, limit)
        return tags + labels.others()

    def name_of(self, label: Label) -> tuple[str, str]:
        """Return what a label is called in a file, and the folded form of that."""
        key = (label.id, label.name)
        known = self._names.get(key)
        if known is None:
            name = self._thesaurus.name_of(label)
            known = self._names[key] = (name, fold_name(name))
        return known

    def is_forbidden(self, key: str) -> bool:
        """Whether a name, in folded form, is never written."""
        return self._judge.is_unwanted(key) or self._thesaurus.forbids(key)

    def words_of(self, label: Label) -> tuple[_Word, ...]:
        """Return the words that a label brings when it is accepted, in their order."""
        key = (label.id, label.name)
        known = self._words.get(key)
        if known is None:
            known = tuple(word for word in self._find_words(label) if self._is_fit(word))
            self._words[key] = known
        return known

    def _is_fit(self, word: _Word) -> bool:
        return not self.is_forbidden(word.key)

    def _find_words(self, label: Label) -> Iterator[_Word]:
        own, _ = self.name_of(label)
        via = (label.name,)
        if self.policy.parents == "direct":
            yield from self._find_parents(label, own)
        node = load_ontology().get(label.id)
        for name in node.other_names if node else ():
            yield _word(name, Origin.CLASSIFIER, Rule.OTHER_NAME, via)
        synonyms = self._thesaurus.synonyms_of(label)
        if synonyms is None:
            synonyms = tuple(self._synonyms.synonyms_of(label))
        for one in synonyms[: self.policy.synonyms_per_label]:
            yield _word(one.text, Origin.SYNONYM, Rule.SYNONYM, (one.synset, *via))
        for one in self._thesaurus.translations_of(label, self.policy.languages):
            yield _word(one.text, Origin.TRANSLATION, Rule.TRANSLATION, (one.synset, *via))

    def _find_parents(self, label: Label, own: str) -> Iterator[_Word]:
        ontology = load_ontology()
        for parent in parent_words(label.id):
            node = ontology.get(parent.id)
            if node is None or not self._judge.allows(Label(node.id, node.name)):
                continue
            name, key = self.name_of(Label(node.id, node.name))
            # A search for "guitar" finds "Acoustic guitar" already.
            if key not in fold_name(own).split():
                above = parent.id if parent.only_if_heard else ""
                rule = Rule.PARENT_WORD
                yield _Word(name, key, Origin.ONTOLOGY, rule, (label.name,), above)


def _word(name: str, origin: Origin, rule: Rule, via: tuple[str, ...]) -> _Word:
    return _Word(name, fold_name(name), origin, rule, via)


class _Labels:
    """The tags of one file in the making: a label's own name goes before any word of another."""

    def __init__(self, deriver: Deriver, rulings: Sequence[Ruling], said: PersonWords) -> None:
        self._deriver = deriver
        self._said = said
        self._heard = {ruling.candidate.label.id for ruling in rulings}
        self._taken: set[str] = set()
        self._accepted: list[tuple[Ruling, DerivedTag]] = []
        self._rest: dict[Decision, list[Ruling]] = {Decision.REVIEW: [], Decision.DROP: []}
        for ruling in rulings:
            if ruling.decision is not Decision.ACCEPT:
                self._rest[ruling.decision].append(ruling)
                continue
            name, key = deriver.name_of(ruling.candidate.label)
            if deriver.is_forbidden(key):
                ruling.become(Decision.DROP, Rule.FORBIDDEN)
                self._rest[Decision.DROP].append(ruling)
            elif key not in self._taken:
                self._taken.add(key)
                self._accepted.append((ruling, self._tag(ruling, name, key)))
        # A word that waits for a person as a label is left to them, except that what is above an
        # accepted label is as sure as the label.
        self._waiting = {
            deriver.name_of(one.candidate.label)[1]: one.rule for one in self._rest[Decision.REVIEW]
        }

    def accepted(self) -> list[DerivedTag]:
        """Return the accepted labels, each followed by its words."""
        result = []
        for ruling, tag in self._accepted:
            result.append(tag)
            for word in self._deriver.words_of(ruling.candidate.label):
                if word.key not in self._taken and self._is_free(word):
                    self._taken.add(word.key)
                    result.append(self._word(ruling, word))
        return result

    def others(self) -> list[DerivedTag]:
        """Return what waits for a person, then what was dropped; to be asked last."""
        result = []
        for ruling in (*self._rest[Decision.REVIEW], *self._rest[Decision.DROP]):
            name, key = self._deriver.name_of(ruling.candidate.label)
            if key not in self._taken:
                self._taken.add(key)
                result.append(self._tag(ruling, name, key))
        return result

    def _is_free(self, word: _Word) -> bool:
        if word.above and word.above not in self._heard:
            return False
        waits_by = self._waiting.get(word.key)
        if word.rule is Rule.PARENT_WORD:
            return waits_by in (None, Rule.BELOW_THRESHOLD)
        return waits_by is None

    def _tag(self, ruling: Ruling, name: str, key: str) -> DerivedTag:
        label = ruling.candidate.label
        spelt = self._said.spelling.get(key)
        written = spelt if spelt is not None and ruling.decision is Decision.ACCEPT else name
        via: tuple[str, ...] = () if written == label.name else (label.name,)
        if ruling.children:
            via = (*via, " + ".join(ruling.children))
        stands_in = ruling.rule in STANDS_IN
        return DerivedTag(
            written,
            ruling.candidate.score,
            label.name,
            label.id,
            Origin.ONTOLOGY if stands_in else Origin.CLASSIFIER,
            ruling.decision,
            Why(ruling.rule, via, ruling.candidate.votes, spelt is not None, ruling.against),
        )

    def _word(self, ruling: Ruling, word: _Word) -> DerivedTag:
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


def _within_limit(tags: Sequence[DerivedTag], limit: int) -> list[DerivedTag]:
    """Keep so many tags, labels before the words they bring, in their order."""
    ranked = sorted(range(len(tags)), key=lambda at: (not tags[at].is_label, at))
    kept = set(ranked[:limit])
    return [tag for at, tag in enumerate(tags) if at in kept]
