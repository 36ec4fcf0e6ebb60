"""A studio's own words: what it calls a sound, what else, and what it never calls it.

An entry is about one term: a label ("Bow-wow"), or any word that might be written. What it says
comes before WordNet and before Earmark's own names of labels.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from earmark.tagging.knowledge.ontology import fold_name, tag_name
from earmark.tagging.knowledge.policy import LANGUAGE_CODE
from earmark.tagging.knowledge.tags import Synonym
from earmark_plugin_api import Label

LONGEST_WORD = 200
SOURCE = "thesaurus"
"""What stands in a synonym's path instead of a synset."""

_UNFIT = re.compile("[,;=\x00-\x1f\x7f\ud800-\udfff]")
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Entry:
    """What a studio says about one term.

    Attributes
    ----------
    term : str
        A label, its tag name, or any word.
    preferred : str
        What is written instead of it; empty for the term itself.
    synonyms : tuple of str or None
        Exactly these are written beside it. None leaves them to WordNet.
    forbidden : tuple of str
        Words never written. Where one would be, the preferred word is.
    translations : mapping of str to str
        By language code, such as ``{"de": "Hund"}``.
    """

    term: str
    preferred: str = ""
    synonyms: tuple[str, ...] | None = None
    forbidden: tuple[str, ...] = ()
    translations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        """Entries of equal keys are about the same term."""
        return fold_name(self.term)

    @property
    def written(self) -> str:
        """The word that is written for the term."""
        return self.preferred or tag_name(self.term)


def problems_of(entry: Entry) -> list[str]:
    """Return what is wrong with an entry, in words; empty if nothing is."""
    found = [] if entry.term.strip() else ["the term is missing"]
    beside = entry.synonyms or ()
    words = (entry.preferred, *beside, *entry.forbidden, *entry.translations.values())
    if _UNREADABLE.search(entry.term):
        found.append(f"{entry.term!r} holds a control character")
    for word in filter(_UNFIT.search, words):
        found.append(f"{word!r} holds a comma, semicolon, equals sign or control character")
    for word in (entry.term, *words):
        if len(word) > LONGEST_WORD:
            found.append(f"{word[:20]!r}... is longer than {LONGEST_WORD} characters")
    for language in entry.translations:
        if not LANGUAGE_CODE.fullmatch(language):
            found.append(f"{language!r} is no language code such as de or pt-BR")
    forbidden = {fold_name(word) for word in entry.forbidden}
    for word in (entry.written, *beside, *entry.translations.values()):
        if fold_name(word) in forbidden:
            found.append(f"{word!r} is to be written and forbidden at once")
    return found


class Thesaurus:
    """The entries that hold for a library.

    Parameters
    ----------
    entries : iterable of Entry
        No two about the same term.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_key = {entry.key: entry for entry in entries}
        for entry in list(self._by_key.values()):
            # An entry about "Bow-wow" is one about the label whose tag is called so.
            self._by_key.setdefault(fold_name(tag_name(entry.term)), entry)
        self._instead = {
            fold_name(word): entry.written
            for entry in self._by_key.values()
            for word in entry.forbidden
        }

    def __bool__(self) -> bool:
        return bool(self._by_key)

    @cached_property
    def version(self) -> str:
        """Short hash of all entries; empty where there are none."""
        if not self._by_key:
            return ""
        rows = sorted(
            json.dumps(
                [e.term, e.preferred, e.synonyms, e.forbidden, sorted(e.translations.items())]
            )
            for e in self._by_key.values()
        )
        return hashlib.blake2b("\n".join(rows).encode(), digest_size=4).hexdigest()

    def entry_of(self, label: Label) -> Entry | None:
        """Return what is said about a label, by its name or tag name."""
        return self._by_key.get(fold_name(label.name)) or self._by_key.get(
            fold_name(tag_name(label.name))
        )

    def name_of(self, label: Label) -> str:
        """Return what a label is called in a file."""
        entry = self.entry_of(label)
        name = entry.written if entry else tag_name(label.name)
        return self._instead.get(fold_name(name), name)

    def synonyms_of(self, label: Label) -> tuple[Synonym, ...] | None:
        """Return the synonyms of a label, or None where they are left to WordNet."""
        entry = self.entry_of(label)
        if entry is None or entry.synonyms is None:
            return None
        return tuple(Synonym(word, SOURCE) for word in entry.synonyms)

    def translations_of(self, label: Label, languages: Sequence[str]) -> tuple[Synonym, ...]:
        """Return the translations of a label into some languages, in their order."""
        entry = self.entry_of(label)
        told = entry.translations if entry else {}
        return tuple(Synonym(told[lang], f"{SOURCE} {lang}") for lang in languages if lang in told)

    def forbids(self, word: str) -> bool:
        """Whether a word is never written."""
        return fold_name(word) in self._instead


NO_THESAURUS = Thesaurus()
