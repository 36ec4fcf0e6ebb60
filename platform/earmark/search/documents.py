"""What the index knows about a file, put together from what is stored about it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import PurePosixPath

from earmark.search import keys
from earmark.search.words import compounds_of, plain_words, stem, words_of
from earmark.tagging.knowledge import load_ucs
from earmark.tagging.knowledge.ontology import fold_name

_BITS = 40
_FACTOR = 679_535_556_991  # odd, and near the golden section of all numbers: spreads evenly
_MASK = (1 << _BITS) - 1
_SHORTEST = 3
_LONGEST_SORT_NAME = 100


def place_of(file_id: int) -> int:
    """Return the number under which a file is in the index: its id, well shuffled.

    Files that lie side by side (a pack, a folder) are spread over all numbers, so any stretch of
    the index is a fair sample of the whole. Multiplying by an odd number modulo a power of two
    can be undone, so no two ids share a place.
    """
    return (file_id * _FACTOR) & _MASK


FIRST_SLICE_END = (1 << _BITS) // keys.SLICES
"""The places of the first slice are below that."""


def slice_of(place: int) -> int:
    """Return the slice of the index that holds a place."""
    return place * keys.SLICES >> _BITS


@dataclass(frozen=True)
class TagWord:
    """An accepted tag; `is_synonym` where it only stands for another one."""

    name: str
    confidence: float | None
    is_synonym: bool


@dataclass(frozen=True)
class FileRecord:
    """What is stored about a file.

    Attributes
    ----------
    file_id, library_id : int
    path : str
        Relative, in text form.
    state, container : str
    channels, sample_rate : int or None
    duration : float or None
    mtime_ns : int
    tags : sequence of TagWord
        Accepted ones.
    search_words : sequence of str
        All words under which the file is to be found (`TagSet.search_words`).
    catid : str
    models : sequence of str
        Classifiers the tags rest on.
    keywords : sequence of str
        What people had written into the file as keywords.
    description : str
        Likewise.
    """

    file_id: int
    library_id: int
    path: str
    state: str
    container: str = ""
    channels: int | None = None
    sample_rate: int | None = None
    duration: float | None = None
    mtime_ns: int = 0
    tags: Sequence[TagWord] = ()
    search_words: Sequence[str] = ()
    catid: str = ""
    models: Sequence[str] = ()
    keywords: Sequence[str] = ()
    description: str = ""


class Document:
    """A file as the index sees it; made from a `FileRecord`.

    The fields hold phrases, each some words: a phrase somebody searches for lies within one
    of them. They count in this order: `name`, `tags`, `synonyms`, `ancestors`, `folders`.
    """

    FIELDS = ("name", "tags", "synonyms", "ancestors", "folders")

    def __init__(self, record: FileRecord) -> None:
        self.record = record
        self.place = place_of(record.file_id)
        path = PurePosixPath(record.path)
        own = [tag.name for tag in record.tags if not tag.is_synonym]
        others = [tag.name for tag in record.tags if tag.is_synonym]
        known = {fold_name(name) for name in (*own, *others)}
        above = [word for word in record.search_words if fold_name(word) not in known]
        ucs = load_ucs().get(record.catid)
        category = [ucs.catid, ucs.catid.lower(), ucs.category, ucs.subcategory] if ucs else []
        self._own_words = [path.stem, *own, *record.keywords]
        self.name = _phrases([path.stem], compounds=True)
        self.tags = _phrases([*own, *record.keywords])
        self.synonyms = _phrases([*others, *category, record.description])
        self.ancestors = _phrases(above)
        self.folders = _phrases(path.parts[:-1], compounds=True)

    @property
    def sort_name(self) -> str:
        """What files are sorted by when people sort by name."""
        return fold_name(PurePosixPath(self.record.path).name)[:_LONGEST_SORT_NAME]

    @cached_property
    def keys(self) -> list[str]:
        """What the file can be filtered by."""
        record = self.record
        found = [
            keys.EVERY,
            keys.slice_key(slice_of(self.place)),
            keys.library_key(record.library_id),
            keys.state_key(record.state),
            *keys.folder_keys(record.library_id, record.path),
            *(keys.tag_key(tag.name) for tag in record.tags),
            *(keys.model_key(model) for model in record.models),
            *(keys.model_key(model.partition("@")[0]) for model in record.models),
        ]
        if record.container:
            found.append(keys.container_key(record.container))
        if record.channels is not None:
            found.append(keys.channels_key(record.channels))
        if record.sample_rate is not None:
            found.append(keys.rate_key(record.sample_rate))
        if record.catid:
            ucs = load_ucs().get(record.catid)
            found.append(keys.catid_key(record.catid))
            found += [keys.category_key(ucs.category)] if ucs else []
        return list(dict.fromkeys(found))

    @cached_property
    def terms(self) -> frozenset[tuple[str, str]]:
        """What the file adds to the lists that people choose from: kind and text."""
        words = {
            word
            for text in self._own_words
            for word in plain_words(text)
            if len(word) >= _SHORTEST and not word[0].isdigit()
        }
        found = {("word", word) for word in words}
        found |= {("tag", " ".join(tag.name.split())) for tag in self.record.tags}
        if self.record.catid:
            found.add(("catid", self.record.catid))
        return frozenset(found)

    @cached_property
    def content_key(self) -> str:
        """Name of all that the index keeps of the file: equal names, nothing to write."""
        record = self.record
        parts = (
            [getattr(self, field) for field in self.FIELDS],
            self.keys,
            sorted(self.terms),
            (record.library_id, self.sort_name, record.duration, record.mtime_ns),
        )
        return blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def _phrases(texts: Collection[str], *, compounds: bool = False) -> list[tuple[str, ...]]:
    found = [words_of(text) for text in texts]
    if compounds:
        found += [(stem(word),) for text in texts for word in compounds_of(text)]
    return [phrase for phrase in found if phrase]
