"""From scores to tags, each with the reason why it is there.

`judging` decides about labels; here the accepted ones get their words: the everyday word above
them, the label's own other names, synonyms and translations. No name appears twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from earmark.tagging.knowledge.by_people import NOTHING_DECIDED, Decided
from earmark.tagging.knowledge.judging import NO_VERDICTS, Judge
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
    DerivedTag,
    Origin,
    Rule,
    SynonymSource,
)
from earmark.tagging.knowledge.thesaurus import NO_THESAURUS, Thesaurus
from earmark.tagging.knowledge.wording import Labels, LabelVerdicts, Word, within_limit
from earmark_plugin_api import Label, Prediction


def derive_tags(
    predictions: Iterable[Prediction],
    policy: TagPolicy | None = None,
    *,
    classifier: str,
    synonyms: SynonymSource = NO_SYNONYMS,
    thesaurus: Thesaurus = NO_THESAURUS,
    said: PersonWords = NOTHING_SAID,
    decided: Decided = NOTHING_DECIDED,
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
    decided : Decided
        What people decided about its words; it comes before all rules.
    """
    policy = policy or TagPolicy()
    candidates = [
        Candidate(item.label, item.score, (Vote(classifier, item.score),))
        for item in predictions
        if item.score >= policy.floor
    ]
    return Deriver(policy, synonyms=synonyms, thesaurus=thesaurus).derive(candidates, said, decided)


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
        self._words: dict[tuple[str, str], tuple[Word, ...]] = {}

    def derive_packed(
        self,
        scores: Sequence[Sequence[PackedScore] | None],
        said: PersonWords = NOTHING_SAID,
        decided: Decided = NOTHING_DECIDED,
    ) -> list[DerivedTag]:
        """Derive the tags of a file from packed scores, one list a voice, None where it has none.

        See `derive` for what is returned.
        """
        opinions = [
            (voice, own) for voice, own in zip(self._voices, scores, strict=True) if own is not None
        ]
        return self.derive(candidates_of(opinions, self.policy), said, decided)

    def derive(
        self,
        candidates: Sequence[Candidate],
        said: PersonWords = NOTHING_SAID,
        decided: Decided = NOTHING_DECIDED,
    ) -> list[DerivedTag]:
        """Derive the tags of a file.

        Returns
        -------
        list of DerivedTag
            Accepted tags first: words that only a person said, then the surest label first, each
            label followed by its words; then the ones for review; then labels that passed the
            review threshold and were dropped by a rule, or by a person. What scored lower is not
            mentioned. No name appears twice.
        """
        verdicts = NO_VERDICTS if decided is NOTHING_DECIDED else LabelVerdicts(self, decided)
        rulings = self._judge.judge(candidates, said, verdicts)
        labels = Labels(self, rulings, said, decided)
        tags = labels.accepted()
        limit = self.policy.max_words
        if limit is not None and len(tags) > limit:
            tags = within_limit(tags, limit)
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

    def words_of(self, label: Label) -> tuple[Word, ...]:
        """Return the words that a label brings when it is accepted, in their order."""
        key = (label.id, label.name)
        known = self._words.get(key)
        if known is None:
            known = tuple(word for word in self._find_words(label) if self._is_fit(word))
            self._words[key] = known
        return known

    def _is_fit(self, word: Word) -> bool:
        return not self.is_forbidden(word.key)

    def _find_words(self, label: Label) -> Iterator[Word]:
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

    def _find_parents(self, label: Label, own: str) -> Iterator[Word]:
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
                yield Word(name, key, Origin.ONTOLOGY, rule, (label.name,), above)


def _word(name: str, origin: Origin, rule: Rule, via: tuple[str, ...]) -> Word:
    return Word(name, fold_name(name), origin, rule, via)
