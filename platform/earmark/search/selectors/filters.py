"""What found files are narrowed down by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from earmark.library.models import AudioFile, Library
from earmark.search import keys
from earmark.search.backends import Wanted
from earmark.search.models import SearchDocument, SearchTerm
from earmark.search.query import Query
from earmark.search.words import fold
from earmark.tagging.models import Tag, TagQuerySet

_T = TypeVar("_T")

_THERE = (AudioFile.State.PRESENT.value, AudioFile.State.FAILED.value)
_GONE = (AudioFile.State.MISSING.value, AudioFile.State.EXCLUDED.value)


@dataclass(frozen=True)
class TagFilter:
    """A tag that has to be there, in any case of letters.

    A tag without a confidence was set by a person and is sure.
    """

    name: str
    at_least: float = 0.0

    @classmethod
    def parse(cls, text: str) -> TagFilter:
        """Read ``Rain`` or ``Rain:0.8``.

        Tags may hold colons: only a number from 0 to 1 behind the last one is a confidence, so
        ``12:30`` is a tag. One that ends like a confidence is meant with another behind it:
        ``1:1:0``.
        """
        name, _, number = text.rpartition(":")
        try:
            at_least = float(number)
        except ValueError:
            return cls(text)
        return cls(name, at_least) if name and 0 <= at_least <= 1 else cls(text)

    def as_text(self) -> str:
        """Return what `parse` reads as this."""
        plain = TagFilter.parse(self.name) == self
        return self.name if plain else f"{self.name}:{self.at_least:g}"


@dataclass(frozen=True)
class Filters:
    """What a file must be like; where several values are given, one of them has to fit.

    Attributes
    ----------
    visible : collection of int or None
        Libraries that may be seen at all; None: every one.
    libraries, categories, catids, containers, channels, sample_rates, states, models : tuple
        Library ids; UCS categories; UCS CatIDs; containers such as ``wav``; numbers of channels;
        hertz; `AudioFile.State` values, without which files that are gone are left out;
        classifiers, by name or ``name@version``.
    folder : str
        Text form, relative to the library: in any of the libraries.
    tags : tuple of TagFilter
        All of them have to be there.
    duration_min, duration_max : float or None
        Seconds.
    """

    visible: Collection[int] | None = None
    libraries: tuple[int, ...] = ()
    folder: str = ""
    tags: tuple[TagFilter, ...] = ()
    categories: tuple[str, ...] = ()
    catids: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    channels: tuple[int, ...] = ()
    sample_rates: tuple[int, ...] = ()
    states: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    duration_min: float | None = None
    duration_max: float | None = None

    def wanted(self, query: Query) -> Wanted:
        """Return what the index of words is to be asked."""
        groups = [
            _group(keys.library_key, self._libraries() or ()),
            self._folder_group(),
            *(_group(keys.tag_key, [tag.name]) for tag in self.tags),
            _group(keys.category_key, self.categories),
            _group(keys.catid_key, self.catids),
            _group(keys.container_key, self.containers),
            _group(keys.channels_key, self.channels),
            _group(keys.rate_key, self.sample_rates),
            _group(keys.state_key, self.states),
            _group(keys.model_key, self.models),
        ]
        return Wanted(query, tuple(group for group in groups if group))

    def documents(self) -> QuerySet[SearchDocument]:
        """Return the documents that fit as far as columns tell; the rest is in `wanted`."""
        if self._libraries() == ():
            return SearchDocument.objects.none()
        documents = SearchDocument.objects.all()
        documents = documents.filter(self._states())
        if self.duration_min is not None or self.duration_max is not None:
            documents = documents.filter(duration__gte=max(self.duration_min or 0.0, 0.0))
        if self.duration_max is not None:
            documents = documents.filter(duration__lte=self.duration_max)
        for tag in self.tags:
            if tag.at_least > 0:
                same_file = Tag.objects.filter(file=OuterRef("file_id"))
                documents = documents.filter(Exists(of_tag(tag, same_file)))
        return documents

    @property
    def reads_rows(self) -> bool:
        """Whether the index of words alone cannot tell which files fit."""
        ranges = self.duration_min is not None or self.duration_max is not None
        return ranges or any(tag.at_least > 0 for tag in self.tags)

    def _states(self) -> Q:
        """Return the condition that PostgreSQL has an index of words for: there, or gone."""
        states = set(self.states)
        found = Q()
        if not states or states & set(_THERE):
            found |= Q(state__in=_THERE)
        if states - set(_THERE):
            found |= Q(state__in=_GONE)
        return found

    def _libraries(self) -> tuple[int, ...] | None:
        """Return the libraries to search; None: all."""
        if self.visible is None:
            return tuple(self.libraries) or None
        if not self.libraries:
            return tuple(self.visible)
        return tuple(pk for pk in self.libraries if pk in self.visible)

    def _folder_group(self) -> tuple[str, ...]:
        if not self.folder:
            return ()
        libraries = self._libraries()
        if libraries is None:
            libraries = tuple(Library.objects.order_by("pk").values_list("pk", flat=True))
        folder = self.folder.strip("/")
        return tuple(keys.folder_key(library_id, folder) for library_id in libraries)


def of_tag(tag: TagFilter, tags: TagQuerySet) -> TagQuerySet:
    """Return those of some tags that a filter means."""
    names = SearchTerm.objects.filter(kind=SearchTerm.Kind.TAG, folded=fold(tag.name))
    sure = Q(confidence__gte=tag.at_least) | Q(confidence__isnull=True)
    spellings = sorted(set(names.values_list("text", flat=True)))
    return tags.accepted().filter(sure, name__in=spellings)


def _group(key: Callable[[_T], str], values: Iterable[_T]) -> tuple[str, ...]:
    return tuple(key(value) for value in values)
