"""What is stored about files, read for the index some hundreds at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from earmark.library.models import AudioFile
from earmark.search.documents import FileRecord, TagWord
from earmark.tagging.models import FileEvidence, Tag, TagSet

_SYNONYMS = frozenset({Tag.Origin.SYNONYM.value, Tag.Origin.TRANSLATION.value})
_LONGEST_DESCRIPTION = 2000
_MOST_KEYWORDS = 100


def read_records(file_ids: Collection[int]) -> list[FileRecord]:
    """Return what is stored about files; those that are gone are left out."""
    files = AudioFile.objects.filter(pk__in=file_ids).values_list(
        *("pk", "library_id", "path", "state", "container", "channels", "sample_rate"),
        *("duration", "mtime_ns"),
    )
    rows = list(files)
    tags = _read_tags(file_ids)
    sets = _read_sets(file_ids)
    said = _read_said(file_ids)
    records = []
    for pk, library_id, path, state, container, channels, rate, duration, mtime_ns in rows:
        words, catid, models = sets.get(pk, ("", "", ()))
        told = said.get(pk, {})
        records.append(
            FileRecord(
                file_id=pk,
                library_id=library_id,
                path=path,
                state=state,
                container=container,
                channels=channels,
                sample_rate=rate,
                duration=duration,
                mtime_ns=mtime_ns,
                tags=tags.get(pk, ()),
                search_words=words.splitlines(),
                catid=catid or told.get("catid", "")[:16],
                models=models,
                keywords=told.get("keywords", [])[:_MOST_KEYWORDS],
                description=told.get("description", "")[:_LONGEST_DESCRIPTION],
            )
        )
    return records


def _read_tags(file_ids: Collection[int]) -> dict[int, list[TagWord]]:
    found: dict[int, list[TagWord]] = defaultdict(list)
    tags = Tag.objects.accepted().filter(file__in=file_ids).order_by("pk")
    for pk, name, confidence, origin in tags.values_list("file", "name", "confidence", "origin"):
        found[pk].append(TagWord(name, confidence, origin in _SYNONYMS))
    return found


def _read_sets(file_ids: Collection[int]) -> dict[int, tuple[str, str, list[str]]]:
    sets = TagSet.objects.filter(file__in=file_ids)
    rows = sets.values_list("file", "search_words", "catid", "basis__classifiers")
    return {pk: (words, catid, models) for pk, words, catid, models in rows}


def _read_said(file_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    return dict(FileEvidence.objects.filter(file__in=file_ids).values_list("file", "said"))
