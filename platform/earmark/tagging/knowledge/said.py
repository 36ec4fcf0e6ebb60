"""What people have said about a file before anything listened to it.

Keywords, description and category stand in the file, the other words in its name and in the names
of its folders. All of it is shown to a reviewer; keywords and file name are also held against
the tags: a word a person wrote is not written a second time, and a label that contradicts it waits
for review.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from earmark.tagging.knowledge.ontology import Ontology, fold_name, load_ontology
from earmark.tagging.knowledge.ucs import parse_ucs_name

_PARTS = re.compile(r"[A-ZÀ-Þ]?[a-zß-ÿ]+|[A-ZÀ-Þ]+(?![a-zß-ÿ])|[^\W\d_A-Za-zÀ-ÿ]+")
_BYTES = re.compile(r"\\\\|\\x[0-9a-f]{2}")
_LONGEST_NAME = 4
"""No label of AudioSet that somebody may have typed has more words."""
_EMPTY = frozenset(
    {
        *("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"),
        *("track", "take", "audio", "sound", "sounds", "file", "files", "stereo", "mono", "mix"),
        *("wav", "aif", "aiff", "flac", "mp3", "ogg", "edit", "final", "new", "old", "copy"),
        *("untitled", "version"),
    }
)
"""Words of file names that say nothing about the sound."""


@dataclass(frozen=True)
class PersonWords:
    """A person's words as the rules see them.

    Attributes
    ----------
    spelling : mapping of str to str
        Keywords as they are written, by their folded form.
    label_ids : mapping of str to str
        AudioSet labels that keywords or file name call by name: the word, by label id.
    """

    spelling: Mapping[str, str]
    label_ids: Mapping[str, str]


NOTHING_SAID = PersonWords(MappingProxyType({}), MappingProxyType({}))


@dataclass(frozen=True)
class Evidence:
    """What stands in a file and in its path; empty where there is nothing.

    Attributes
    ----------
    keywords : tuple of str
        Those that a person or another program wrote, not Earmark's own.
    description, category, subcategory, catid : str
    file_words, folder_words : tuple of str
        From the names, in their order, folders from the outside in.
    """

    keywords: tuple[str, ...] = ()
    description: str = ""
    category: str = ""
    subcategory: str = ""
    catid: str = ""
    file_words: tuple[str, ...] = field(default=())
    folder_words: tuple[str, ...] = field(default=())

    @cached_property
    def words(self) -> PersonWords:
        """What the rules hold against the tags."""
        if not self.keywords and not self.file_words:
            return NOTHING_SAID
        spelling = {fold_name(word): word for word in reversed(self.keywords)}
        named = {**_labels_among(self.file_words), **_labels_called(self.keywords)}
        return PersonWords(spelling, named)

    @property
    def all_words(self) -> tuple[str, ...]:
        """Keywords, category and the words of the names, once each."""
        words: dict[str, str] = {}
        parts = (self.category, self.subcategory, *self.file_words, *self.folder_words)
        for word in filter(None, (*self.keywords, *parts)):
            words.setdefault(fold_name(word), word)
        return tuple(words.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the parts that hold something as plain values, for JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Evidence:
        """Read what `as_dict` gave."""
        texts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**texts)


def words_of_path(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words in a file's name and in the names of its folders.

    ``Animals/Dogs/BigDog_bark 03.wav`` has ``Big Dog bark`` and ``Animals Dogs``. A CatID in
    front, numbers, single letters and words such as "take" are left out.

    Parameters
    ----------
    path : str
        Relative to the library, as path text; bytes that are no text say nothing.
    """
    place = PurePosixPath(_BYTES.sub(" ", path))
    name = parse_ucs_name(place.name)
    text = " ".join((name.fx_name, name.user_data)) if name else place.stem
    return _words(text), _words(" ".join(place.parts[:-1]))


def _words(text: str) -> tuple[str, ...]:
    found = (part for part in _PARTS.findall(text) if len(part) > 1)
    return tuple(dict.fromkeys(word for word in found if word.casefold() not in _EMPTY))


def _labels_called(words: Iterable[str]) -> dict[str, str]:
    """Return the labels whose name these words are, each with its word."""
    ontology = load_ontology()
    return {label: word for word in words if (label := _label_called(word, ontology))}


def _labels_among(words: Sequence[str]) -> dict[str, str]:
    """Return the labels that follow each other in these words: "acoustic guitar riff"."""
    found: dict[str, str] = {}
    ontology, at = load_ontology(), 0
    while at < len(words):
        for size in range(min(_LONGEST_NAME, len(words) - at), 0, -1):
            text = " ".join(words[at : at + size])
            label = _label_called(text, ontology)
            if label:
                found[label] = text
                break
        at += size
    return found


def _label_called(word: str, ontology: Ontology) -> str:
    """Return the id of the label of this name, in the singular too; "" if there is none."""
    node = ontology.find(word) or (ontology.find(word[:-1]) if word.endswith("s") else None)
    return node.id if node is not None and not ontology.is_abstract(node.id) else ""
