"""Questions about tag writes and renames."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.writeback.models import FileRename, TagWrite, WriteRequest

_IN_LIMIT = 500


def list_files_to_write(*, library: Library, basis: str, under: str = "") -> AudioFileQuerySet:
    """Return the files whose tags on this basis are not in them yet, in order of path."""
    files = list_files(library=library, under=under).filter(
        tag_set__basis=basis, tag_set__audio_hash=F("audio_hash")
    )
    return only_to_write(files).select_related("library", "tag_set")


def only_to_write(files: AudioFileQuerySet) -> AudioFileQuerySet:
    """Narrow files down to those whose tags are not in them yet, whatever they rest on.

    Those that have changed since they were heard belong to them: who writes sees whether they
    hold the same sound still.

    Settled is a file for which a write of these very tags has succeeded, was not needed, was
    refused or was undone by a person, unless the file has changed since.
    """
    settled = TagWrite.objects.settled().filter(
        Q(file_size=None) | Q(file_size=OuterRef("size"), file_mtime_ns=OuterRef("mtime_ns")),
        file=OuterRef("pk"),
        tags_key=OuterRef("tag_set__tags_key"),
    )
    current = files.present().filter(
        Q(tag_set__audio_hash=F("audio_hash")) | Q(tag_set__isnull=False, audio_hash="")
    )
    return current.filter(~Exists(settled))


def only_kept_up(files: AudioFileQuerySet) -> AudioFileQuerySet:
    """Narrow files down to those that Earmark keeps in line with their tags.

    It has written into them, or is about to, and nobody has taken that back.
    """
    newest = TagWrite.objects.settled().filter(file=OuterRef("pk")).order_by("-id")
    asked = WriteRequest.objects.filter(file=OuterRef("pk"))
    kept = [TagWrite.State.WRITTEN, TagWrite.State.UNCHANGED]
    return files.annotate(newest_write=Subquery(newest.values("state")[:1])).filter(
        Q(newest_write__in=kept) | Exists(asked)
    )


def list_unknown_writes() -> QuerySet[TagWrite]:
    """Return the writes that were begun and never reported: their process died."""
    return TagWrite.objects.filter(state=TagWrite.State.PLANNED).select_related("file__library")


def list_standing_renames(
    *, files: Collection[AudioFile] = (), batches: Collection[str] = ()
) -> list[FileRename]:
    """Return the renames of files, or of whole commands, that can be undone; newest first."""
    done = FileRename.objects.filter(state=FileRename.State.DONE).select_related("file__library")
    found: dict[int, FileRename] = {}
    for start in range(0, len(ids := [file.pk for file in files]), _IN_LIMIT):
        chosen = done.filter(file__in=ids[start : start + _IN_LIMIT])
        found |= {rename.pk: rename for rename in chosen}
    if batches:
        found |= {rename.pk: rename for rename in done.filter(batch__in=batches)}
    return [found[pk] for pk in sorted(found, reverse=True)]
