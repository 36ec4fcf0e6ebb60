"""Synonyms of labels from a table checked by eye, and of free words where the sense is certain.

WordNet knows eight meanings of "ring" and prefers the wrong ones for sounds. So a label takes
its words from the synsets that `synsets.csv` names for it, less the lemmas found unfit there;
a free word takes them from the table too, or from its only sound-like sense, and from nothing
else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import structlog

from earmark.tagging.knowledge.lexicon import (
    WORDNET_VERSION,
    Lexicon,
    Sense,
    WordNetMissingError,
)
from earmark.tagging.knowledge.ontology import fold_name, load_ontology
from earmark.tagging.knowledge.sense_cache import CachedLexicon, open_cached_lexicon
from earmark.tagging.knowledge.tables import DATA, read_table
from earmark.tagging.knowledge.tags import Synonym
from earmark_plugin_api import Label

MOST_SYNONYMS = 5
"""So many at most for one word; more would bury the tag itself."""

SOUND_CATEGORIES = frozenset(
    {"noun.event", "noun.animal", "noun.artifact", "noun.act", "noun.phenomenon"}
)
SOUND_VERBS = frozenset({"verb.perception", "verb.weather"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SynsetChoice:
    """What was decided by eye about one label or word.

    Attributes
    ----------
    vocabulary : str
        ``audioset``, ``challenge41`` (Freesound audio tagging challenge 2018) or ``word``.
    id : str
        Label id in AudioSet, else the label or word itself.
    label : str
    synsets : tuple of str
        The sound senses; empty where there are none.
    unfit : frozenset of str
        Lemmas of those synsets that are not written for this label, as WordNet spells them but
        in lower case.
    note : str
        Why there are no synsets.
    """

    vocabulary: str
    id: str
    label: str
    synsets: tuple[str, ...]
    unfit: frozenset[str]
    note: str


@lru_cache(maxsize=1)
def load_choices() -> tuple[SynsetChoice, ...]:
    """Return the committed table ``synsets.csv``."""
    return tuple(
        SynsetChoice(
            vocabulary=row["vocabulary"],
            id=row["id"],
            label=row["label"],
            synsets=tuple(row["synsets"].split()),
            unfit=frozenset(row["unfit"].split()),
            note=row["note"],
        )
        for row in read_table("synsets.csv")
    )


@lru_cache(maxsize=1)
def load_unfit_words() -> frozenset[str]:
    """Return the words that are never written as a synonym, in lower case."""
    return frozenset(row["word"] for row in read_table("unfit_words.csv"))


class SynonymBook:
    """Synonyms for labels and free words; a `SynonymSource`.

    Parameters
    ----------
    lexicon : Lexicon
        Asked only when a word is wanted for the first time. If it turns out to be unreadable,
        that is said once in the log and there are no synonyms.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._unreadable = False
        self._by_id = {choice.id: choice for choice in load_choices()}
        self._by_name: dict[str, SynsetChoice] = {}
        for choice in load_choices():
            self._by_name.setdefault(fold_name(choice.label), choice)
        # "Footsteps" and "Car horn" mean the label that carries them in its name.
        for node in load_ontology().labels:
            for name in (node.tag, *node.other_names):
                self._by_name.setdefault(fold_name(name), self._by_id[node.id])
        self._known: dict[tuple[str, str], tuple[Synonym, ...]] = {}
        self._broader: dict[Label, tuple[Synonym, ...]] = {}

    @property
    def version(self) -> str:
        """Version of WordNet and the tables: while it is the same, so are the synonyms."""
        return tables_version()

    def synonyms_of(self, label: Label) -> tuple[Synonym, ...]:
        """Return the synonyms of a label, by its id or else by its name as a free word."""
        return self._remembered(label.id, label.name)

    def hypernyms_of(self, label: Label) -> tuple[Synonym, ...]:
        """Return the words one level above the label's senses, five at most, for searches only."""
        known = self._broader.get(label)
        if known is None:
            choice = self._choice_of(label.id, label.name)
            senses = self._senses_of(choice) if choice else ()
            above = (replace(sense, lemmas=sense.broader) for sense in senses)
            known = select_words(above, frozenset(), names_within(label.name))
            self._broader[label] = known
        return known

    def expand(self, word: str) -> tuple[Synonym, ...]:
        """Return the synonyms of a label name or free word; empty where the sense is unsure."""
        return self._remembered("", word)

    def _remembered(self, label_id: str, name: str) -> tuple[Synonym, ...]:
        key = (label_id, name)
        if key not in self._known:
            self._known[key] = self._look_up(label_id, name)
        return self._known[key]

    def _look_up(self, label_id: str, name: str) -> tuple[Synonym, ...]:
        choice = self._choice_of(label_id, name)
        if choice is not None:
            return select_words(self._senses_of(choice), choice.unfit, names_within(name))
        try:
            only = only_sound_sense(self._lexicon.senses(name))
            return self._of_free_word(name, only) if only else ()
        except WordNetMissingError as error:
            self._say_unreadable(error)
            return ()

    def _choice_of(self, label_id: str, name: str) -> SynsetChoice | None:
        return self._by_id.get(label_id) or self._by_name.get(fold_name(name))

    def _senses_of(self, choice: SynsetChoice) -> Sequence[Sense]:
        try:
            return [self._lexicon.sense(synset) for synset in choice.synsets]
        except WordNetMissingError as error:
            self._say_unreadable(error)
            return ()

    def _say_unreadable(self, error: WordNetMissingError) -> None:
        if not self._unreadable:
            log.warning("synonyms_unavailable", code=error.code, reason=str(error))
        self._unreadable = True

    def _of_free_word(self, word: str, sense: Sense) -> tuple[Synonym, ...]:
        """Take only words that mainly mean this: "sword" must not become "steel"."""
        kind = sense.category.partition(".")[0]
        ambiguous = set()
        for lemma in sense.lemmas:
            same_kind = [
                other.name
                for other in self._lexicon.senses(lemma)
                if other.category.startswith(kind)
            ]
            if same_kind[:1] != [sense.name]:
                ambiguous.add(lemma.lower())
        return select_words([sense], frozenset(ambiguous), names_within(word))


def load_synonyms(data_dir: Path) -> SynonymBook | None:
    """Return this machine's synonyms, or None, said once in the log, without WordNet.

    Parameters
    ----------
    data_dir : Path
        Earmark's data folder (``EARMARK_DATA_DIR``).
    """
    try:
        return SynonymBook(open_table_lexicon(data_dir))
    except WordNetMissingError as error:
        log.warning("synonyms_unavailable", code=error.code, reason=str(error))
        return None


def open_table_lexicon(data_dir: Path) -> CachedLexicon:
    """Return this machine's lexicon, ready for what the tables name.

    Raises
    ------
    WordNetMissingError
        If there is no WordNet.
    """
    names = {name for choice in load_choices() for name in choice.synsets}
    return open_cached_lexicon(data_dir, names=names, version=tables_version())


def tables_version() -> str:
    """Return WordNet's version and a short hash of the committed tables."""
    tables = (DATA / name for name in ("synsets.csv", "unfit_words.csv"))
    content = b"".join(table.read_bytes() for table in tables)
    return f"wordnet-{WORDNET_VERSION}-{hashlib.blake2b(content, digest_size=4).hexdigest()}"


def select_words(
    senses: Iterable[Sense], unfit: frozenset[str], own_names: frozenset[str]
) -> tuple[Synonym, ...]:
    """Choose what to write of the lemmas of some senses, in their order, five at most.

    Parameters
    ----------
    senses : iterable of Sense
    unfit : frozenset of str
        Lemmas in lower case that are not fit for this label.
    own_names : frozenset of str
        Folded names of the label itself.
    """
    words: list[Synonym] = []
    taken = set(own_names)
    for sense in senses:
        for lemma in sense.lemmas:
            text = readable(lemma)
            key = _fold_plural(text)
            unwanted = lemma.lower() in unfit or text.lower() in load_unfit_words()
            if key in taken or unwanted or is_scientific_name(sense, lemma):
                continue
            taken.add(key)
            words.append(Synonym(text, sense.name))
    return tuple(words[:MOST_SYNONYMS])


def only_sound_sense(senses: Sequence[Sense]) -> Sense | None:
    """Return the meaning of a free word if it can be heard and no other is likely, else None.

    Things, animals, acts, events and weather can be heard; people, places, states, substances
    and ideas are not what a sound file is tagged with. The one that can be heard must be the
    commonest meaning of the noun ("dragon" is no lizard), and nothing said or sung may compete
    ("whisper" is no rustle). Nouns go before verbs. Senses of a special field ("(baseball) ...")
    and street names of drugs do not count.
    """
    nouns = [sense for sense in senses if sense.category.startswith("noun.")]
    verbs = [sense for sense in senses if sense.category.startswith("verb.")]
    heard = [sense for sense in nouns if _is_heard(sense, SOUND_CATEGORIES)]
    if not heard:
        heard, nouns = [sense for sense in verbs if _is_heard(sense, SOUND_VERBS)], verbs
    elif heard[0].category != "noun.event" and any(map(_names_a_sound, verbs)):
        return None
    rivals = [sense for sense in nouns if sense.category == "noun.communication"]
    certain = len(heard) == 1 and not rivals and heard[0] is nouns[0]
    return heard[0] if certain else None


def readable(lemma: str) -> str:
    """Return a lemma as people write it: underscores become spaces, hyphens stay."""
    return lemma.replace("_", " ")


def names_within(label_name: str) -> frozenset[str]:
    """Return everything a label calls itself, folded: nothing of it is its own synonym.

    "Fly, housefly" names the housefly already; the free word "fly" does not.
    """
    bare = re.sub(r"\([^)]*\)", "", label_name)
    parts = re.split(r",|\bor\b|\band\b|_or_", bare)
    names = [label_name, bare, *parts]
    node = load_ontology().find(label_name)
    if node is not None and fold_name(node.name) == fold_name(label_name):
        names += [node.tag, *node.other_names]
    return frozenset(_fold_plural(name) for name in names if name.strip())


def is_scientific_name(sense: Sense, lemma: str) -> bool:
    """Whether a lemma is zoologists' Latin: "Gallus gallus", "Bovinae", "family Canidae"."""
    return sense.category == "noun.animal" and any(word[:1].isupper() for word in lemma.split("_"))


def _fold_plural(name: str) -> str:
    """Fold a name so that "pet" and "Pets" are one word."""
    return re.sub(r"s$", "", fold_name(name))


def _is_heard(sense: Sense, categories: frozenset[str]) -> bool:
    text = sense.definition
    special = text.startswith("(") and not text.startswith("(music)")
    return sense.category in categories and not special and "street name" not in text


def _names_a_sound(verb: Sense) -> bool:
    return re.search(r"\b(sounds?|noises?|cry|utter)\b", verb.definition) is not None
