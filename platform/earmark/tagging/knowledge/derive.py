"""From a classifier's scores to tags, each with the reason why it is there.

The rules, in this order: abstract labels are never accepted; scores are compared with the
policy's thresholds; blacklisted labels wait for a person; "Silence" is not a tag of a file that
sounds; a label with an accepted descendant is dropped (it stays a search term); what is
accepted brings the label's own other names and its synonyms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from earmark.tagging.knowledge.ontology import Ontology, fold_name, load_ontology, tag_name
from earmark.tagging.knowledge.policy import RULES_VERSION, TagPolicy
from earmark.tagging.knowledge.tags import (
    NO_SYNONYMS,
    Decision,
    DerivedTag,
    Origin,
    Rule,
    SynonymSource,
    Why,
)
from earmark_plugin_api import Label, Prediction

SILENCE_ID = "/m/028v0c"


def derive_tags(
    predictions: Iterable[Prediction],
    policy: TagPolicy | None = None,
    *,
    classifier: str,
    synonyms: SynonymSource = NO_SYNONYMS,
) -> list[DerivedTag]:
    """Turn what one classifier said about a file into tags.

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

    Returns
    -------
    list of DerivedTag
        Accepted tags first, surest label first, each label followed by its other names and its
        synonyms; then the ones for review; then labels that passed the review threshold and were
        dropped by a rule. What scored below the review threshold is not mentioned. No name
        appears twice.
    """
    policy = policy or TagPolicy()
    ontology = load_ontology()
    ranked = sorted(predictions, key=lambda item: (-item.score, item.label.id))
    verdicts = _Judge(policy, ontology).judge(ranked)
    derivation = _Derivation(policy, classifier)
    for decision in (Decision.ACCEPT, Decision.REVIEW, Decision.DROP):
        for prediction, (verdict, rule) in zip(ranked, verdicts, strict=True):
            if verdict is decision and rule is not None:
                derivation.add_label(prediction, decision, rule)
    return derivation.with_words(ontology, synonyms)


def search_terms(tags: Iterable[DerivedTag]) -> list[str]:
    """Return every word under which a file should be found: accepted tags and their ancestors.

    Ancestors ("Domestic animals", "Animal" for a dog) are not written into files, but whoever
    searches for them means this file too. Abstract groups of the ontology are left out.
    """
    ontology = load_ontology()
    words: dict[str, str] = {}
    accepted = [tag for tag in tags if tag.decision is Decision.ACCEPT]
    above: set[str] = set()
    for tag in accepted:
        words.setdefault(fold_name(tag.name), tag.name)
        above |= ontology.ancestors(tag.label_id)
    for node in ontology.nodes:
        if node.id in above and not ontology.is_abstract(node.id):
            for name in (node.tag, *node.other_names):
                words.setdefault(fold_name(name), name)
    return list(words.values())


_Verdict = tuple[Decision, Rule | None]


class _Judge:
    """Applies a policy to the ranked labels of one file."""

    def __init__(self, policy: TagPolicy, ontology: Ontology) -> None:
        self._policy = policy
        self._ontology = ontology
        self._denied = _folded(policy.denied)
        self._allowed = _folded(policy.allowed)

    def judge(self, ranked: Sequence[Prediction]) -> list[_Verdict]:
        """Return the decision about each label, with its rule; None where none is worth saying."""
        verdicts = [self._judge_alone(item) for item in ranked]
        self._drop_silence_beside_sound(ranked, verdicts)
        self._drop_ancestors(ranked, verdicts)
        limit = self._policy.max_labels
        if limit is not None:
            for at in _accepted(verdicts)[limit:]:
                verdicts[at] = (Decision.DROP, Rule.LIMIT)
        return verdicts

    def _judge_alone(self, item: Prediction) -> _Verdict:
        """Judge one label as if it were the only one."""
        label, policy = item.label, self._policy
        special = policy.label_thresholds.get(label.id, policy.label_thresholds.get(label.name))
        threshold = policy.accept if special is None else special
        if item.score < min(policy.review, threshold):
            return Decision.DROP, None
        names = {label.id, fold_name(label.name), fold_name(tag_name(label.name))}
        if names & self._denied or (self._allowed and not names & self._allowed):
            return Decision.DROP, Rule.DENIED
        if self._ontology.is_abstract(label.id):
            return Decision.DROP, Rule.ABSTRACT
        if item.score < threshold:
            return Decision.REVIEW, Rule.BELOW_THRESHOLD
        if self._ontology.is_blacklisted(label.id):
            return Decision.REVIEW, Rule.BLACKLISTED
        return Decision.ACCEPT, Rule.THRESHOLD if special is None else Rule.LABEL_THRESHOLD

    def _drop_silence_beside_sound(
        self, ranked: Sequence[Prediction], verdicts: list[_Verdict]
    ) -> None:
        accepted = _accepted(verdicts)
        silent = [at for at in accepted if _is_silence(ranked[at].label)]
        if len(accepted) > len(silent):
            for at in silent:
                verdicts[at] = (Decision.DROP, Rule.SILENCE)

    def _drop_ancestors(self, ranked: Sequence[Prediction], verdicts: list[_Verdict]) -> None:
        accepted = _accepted(verdicts)
        specific = set(self._ontology.most_specific(ranked[at].label.id for at in accepted))
        for at in accepted:
            if ranked[at].label.id not in specific:
                verdicts[at] = (Decision.DROP, Rule.PARENT)


def _accepted(verdicts: Sequence[_Verdict]) -> list[int]:
    return [at for at, (decision, _) in enumerate(verdicts) if decision is Decision.ACCEPT]


def _is_silence(label: Label) -> bool:
    return label.id == SILENCE_ID or fold_name(label.name) == "silence"


def _folded(names: Iterable[str]) -> set[str]:
    """Return names and ids in comparable form; ids (``/m/...``) keep their case."""
    return {name if name.startswith("/") else fold_name(name) for name in names}


class _Derivation:
    """Collects tags, one per name: a label's own tag goes before any synonym of another."""

    def __init__(self, policy: TagPolicy, classifier: str) -> None:
        self._policy = policy
        self._policy_version = policy.version
        self._classifier = classifier
        self._tags: list[DerivedTag] = []
        self._taken: set[str] = set()
        self._denied = _folded(policy.denied)

    def add_label(self, item: Prediction, decision: Decision, rule: Rule) -> None:
        """Add the tag of a label unless its name is taken."""
        name = tag_name(item.label.name)
        if fold_name(name) not in self._taken:
            self._taken.add(fold_name(name))
            self._tags.append(self._tag(item, name, Origin.CLASSIFIER, decision, rule))

    def with_words(self, ontology: Ontology, source: SynonymSource) -> list[DerivedTag]:
        """Return the tags, accepted labels followed by their other names and synonyms."""
        result = []
        for tag in self._tags:
            result.append(tag)
            if tag.decision is Decision.ACCEPT:
                result.extend(filter(self._take, self._words_of(tag, ontology, source)))
        return result

    def _take(self, tag: DerivedTag) -> bool:
        key = fold_name(tag.name)
        if key in self._taken or key in self._denied:
            return False
        self._taken.add(key)
        return True

    def _words_of(
        self, tag: DerivedTag, ontology: Ontology, source: SynonymSource
    ) -> Iterable[DerivedTag]:
        item = Prediction(Label(tag.label_id, tag.label), tag.confidence)
        node = ontology.get(item.label.id)
        for name in node.other_names if node else ():
            yield self._tag(item, name, Origin.CLASSIFIER, Decision.ACCEPT, Rule.OTHER_NAME)
        for word in source.synonyms_of(item.label)[: self._policy.synonyms_per_label]:
            path = (word.synset, item.label.name)
            yield self._tag(
                item, word.text, Origin.SYNONYM, Decision.ACCEPT, Rule.SYNONYM, path=path
            )

    def _tag(
        self,
        item: Prediction,
        name: str,
        origin: Origin,
        decision: Decision,
        rule: Rule,
        *,
        path: tuple[str, ...] = (),
    ) -> DerivedTag:
        label = item.label
        if not path and name != label.name:
            path = (label.name,)
        why = Why(
            classifier=self._classifier,
            score=item.score,
            rule=rule,
            rules_version=RULES_VERSION,
            policy_version=self._policy_version,
            path=(name, *path, f"{self._classifier} {item.score:.2f}"),
        )
        return DerivedTag(name, item.score, label.name, label.id, origin, decision, why)
