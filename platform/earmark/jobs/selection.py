"""Which files of a library a run is about: words of a query, or the files themselves.

A query is words with spaces between them, all of which must fit:

``tag:rain`` or ``tag:"heavy rain"``
    files that have this tag;
``status:new``, ``status:failed``, ``status:tagged``, ``status:untagged``
    files nobody has listened to, that could not be read, that have tags or none;
``format:wav``
    files in this format;
``path:ambience`` or just ``ambience``
    files with this text in their path.

Upper and lower case are the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet

from earmark.jobs.errors import SelectionError
from earmark.jobs.models import Job, Run
from earmark.library.models import AudioFile, AudioFileQuerySet

_STATUS: dict[str, Callable[[], Q]] = {
    "new": lambda: Q(audio_hash=""),
    "failed": lambda: Q(state=AudioFile.State.FAILED),
    "tagged": lambda: Q(_accepted()),
    "untagged": lambda: ~Q(_accepted()),
}
_KEPT_IDS = 1000
"""A run tells which files it was given up to so many; its options hold all (`ALL_FILES`)."""

ALL_FILES = "file_ids"
"""The option of a run that holds the ids of all files it was given, where it tells of some only."""


@dataclass(frozen=True)
class FileQuery:
    """What files must be like; empty fields ask for nothing.

    Attributes
    ----------
    tags, formats, paths : tuple of str
        All tags, any of the formats, all texts in the path.
    status : str
        One of ``new``, ``failed``, ``tagged``, ``untagged``.
    """

    tags: tuple[str, ...] = ()
    status: str = ""
    formats: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def condition(self) -> Q:
        """Return the same as a filter of `AudioFile`.

        Raises
        ------
        SelectionError
            If there is no such status.
        """
        condition = Q()
        if self.status:
            if self.status not in _STATUS:
                known = ", ".join(_STATUS)
                raise SelectionError(
                    f"There is no status {self.status!r}.", hint=f"There are: {known}."
                )
            condition &= _STATUS[self.status]()
        for tag in self.tags:
            condition &= Q(_accepted(name__iexact=tag))
        if self.formats:
            condition &= Q(container__in=[name.lower() for name in self.formats])
        for text in self.paths:
            condition &= Q(path__icontains=text)
        return condition


@dataclass(frozen=True)
class Selection:
    """Which of a place's files are meant; without anything, all of them.

    Attributes
    ----------
    query : str
        In the words above.
    file_ids : sequence of int, optional
        These files and no others.
    run : int, optional
        Only files that an earlier run had jobs for.
    within : QuerySet, optional
        Only files whose ids it gives, however many that are.
    told : mapping
        What is kept about how those were chosen.
    """

    query: str = ""
    file_ids: Sequence[int] | None = None
    run: int | None = None
    within: QuerySet[Any, Any] | None = None
    told: Mapping[str, object] = field(default_factory=dict)

    def apply(self, files: AudioFileQuerySet) -> AudioFileQuerySet:
        """Narrow files down.

        Raises
        ------
        SelectionError
            If the query cannot be understood, or a file is not among `files`.
        """
        if self.query:
            files = files.filter(parse_query(self.query).condition())
        if self.run is not None:
            files = files.filter(pk__in=Job.objects.filter(run=self.run).values("file"))
        if self.file_ids is not None:
            files = self._named(files, set(self.file_ids))
        return files if self.within is None else files.filter(pk__in=self.within)

    @staticmethod
    def _named(files: AudioFileQuerySet, wanted: set[int]) -> AudioFileQuerySet:
        files = files.filter(pk__in=wanted)
        missing = wanted - set(files.values_list("pk", flat=True))
        if missing:
            raise SelectionError(
                f"{len(missing)} of the files are not in this library, or not in this part of it.",
                hint="Start one run for each library.",
                context={"files": sorted(missing)[:_KEPT_IDS]},
            )
        return files

    def as_dict(self) -> dict[str, object]:
        """Return what is kept with the run; empty if all files are meant."""
        kept: dict[str, object] = dict(self.told)
        if self.query:
            kept["query"] = self.query
        if self.file_ids is not None:
            ids = sorted(set(self.file_ids))
            kept["files"] = len(ids)
            kept["file_ids"] = ids[:_KEPT_IDS]
        if self.run is not None:
            kept["run"] = self.run
        return kept


def meant_by(run: Run, files: AudioFileQuerySet) -> AudioFileQuerySet:
    """Return those of some files that a run is about, also those that it has no jobs for.

    What needed no job because it was heard before is looked for by the words of the selection as
    they fit now; of other selections (the search, a limit) only files with jobs are known.
    """
    chosen = run.selection
    if not chosen:
        return files
    with_job = Q(pk__in=Job.objects.filter(run=run).values("file"))
    if chosen.keys() & {"search", "limit"}:
        return files.filter(with_job)
    fits = Q()
    if "query" in chosen:
        fits &= parse_query(chosen["query"]).condition()
    if "run" in chosen:
        fits &= Q(pk__in=Job.objects.filter(run=chosen["run"]).values("file"))
    if "file_ids" in chosen:
        fits &= Q(pk__in=run.options.get(ALL_FILES, chosen["file_ids"]))
    return files.filter(with_job | fits)


def parse_query(text: str) -> FileQuery:
    """Read the words of a query.

    Raises
    ------
    SelectionError
        If a quotation mark is left open, a word has nothing behind its colon, or there are two
        statuses.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SelectionError(
            f"The query {text!r} has an open quotation mark.", hint="Close it."
        ) from error
    found: dict[str, list[str]] = {"tag": [], "status": [], "format": [], "path": []}
    for word in words:
        key, colon, value = word.partition(":")
        known = bool(colon) and key.lower() in found
        if known and not value:
            raise SelectionError(f"{word!r} says nothing.", hint=f"Write {word}WORD.")
        found[key.lower() if known else "path"].append(value if known else word)
    if len(found["status"]) > 1:
        raise SelectionError("A query can ask for one status only.", hint="Leave one out.")
    return FileQuery(
        tags=tuple(found["tag"]),
        status="".join(found["status"]).lower(),
        formats=tuple(found["format"]),
        paths=tuple(found["path"]),
    )


def all_files(selection: Selection) -> dict[str, object]:
    """Return the option that goes with a selection of more files than a run tells of."""
    ids = set(selection.file_ids or ())
    return {ALL_FILES: sorted(ids)} if len(ids) > _KEPT_IDS else {}


def _accepted(**conditions: str) -> Exists:
    """Say of a file whether it has accepted tags, or such a one.

    Tags belong to an app that builds on this one; it is known by its name.
    """
    tags = apps.get_model("tagging", "Tag")
    return Exists(
        tags._default_manager.filter(file=OuterRef("pk"), decision="accept", **conditions)
    )
