"""Everything that changes the record of tag writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from earmark.core.rows import update_rows
from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.services import record_stats
from earmark.writeback.models import TagWrite


@dataclass(frozen=True)
class WriteOutcome:
    """What became of a write.

    Attributes
    ----------
    state : TagWrite.State
        ``written``, ``unchanged``, ``refused`` or ``failed``.
    size, mtime_ns : int or None
        Of the file afterwards; None where that is not known.
    undo : mapping or None
        What `earmark_files.metadata.undo` needs, as JSON values; None keeps what was stored
        before the write.
    code, message : str
        Why it was refused or has failed.
    """

    state: TagWrite.State
    size: int | None = None
    mtime_ns: int | None = None
    undo: Mapping[str, object] | None = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class WriteIntent:
    """What is about to be written into a file.

    Attributes
    ----------
    file_id : int
    tags_key : str
        Of the tag set that is written; see `earmark.tagging.services.tags_key_of`.
    plan : mapping
        Summary of the plan, for people (JSON).
    target : str
        What is written to, if that is not the file itself but a sidecar: its path, text form.
    undo : mapping or None
        What takes the write back, known before it is done: after a crash it also tells whether
        it was done.
    """

    file_id: int
    tags_key: str
    plan: Mapping[str, object]
    target: str = ""
    undo: Mapping[str, object] | None = None


def begin_writes(*, intents: Iterable[WriteIntent]) -> list[TagWrite]:
    """Record that files are about to be written to, before they are touched; in their order."""
    return TagWrite.objects.bulk_create(
        TagWrite(
            file_id=intent.file_id,
            tags_key=intent.tags_key,
            plan=to_storable(dict(intent.plan)),
            target=intent.target,
            undo=dict(intent.undo) if intent.undo is not None else None,
        )
        for intent in intents
    )


@transaction.atomic
def record_writes(*, outcomes: Mapping[int, WriteOutcome]) -> None:
    """Record what became of writes, by their id, and the files' new sizes and times with it.

    The next scan then finds nothing new, for the audio is the same.
    """
    rows = TagWrite.objects.filter(pk__in=outcomes).order_by("pk").select_for_update()
    files = dict(rows.values_list("pk", "file_id"))
    update_rows(
        TagWrite,
        ("state", "error_code", "error_message", "file_size", "file_mtime_ns"),
        [
            (pk, str(told.state), told.code, to_storable(told.message), told.size, told.mtime_ns)
            for pk, told in outcomes.items()
        ],
        same={"finished_at": timezone.now()},
    )
    for pk, told in outcomes.items():
        # Undo records are large: not written a second time where nothing is new.
        if told.undo is not None:
            TagWrite.objects.filter(pk=pk).update(undo=dict(told.undo))
    record_stats(
        found={
            files[pk]: (told.size, told.mtime_ns)
            for pk, told in outcomes.items()
            if pk in files and told.size is not None and told.mtime_ns is not None
        }
    )


def begin_write(
    *,
    file_id: int,
    tags_key: str,
    plan: Mapping[str, object],
    target: str = "",
    undo: Mapping[str, object] | None = None,
) -> TagWrite:
    """Do what `begin_writes` does for one file."""
    return begin_writes(intents=[WriteIntent(file_id, tags_key, plan, target, undo)])[0]


def record_write(*, write_id: int, outcome: WriteOutcome) -> None:
    """Do what `record_writes` does for one write."""
    record_writes(outcomes={write_id: outcome})


@transaction.atomic
def note_unreadable(*, file_ids: Collection[int]) -> None:
    """Record why files that are not there, or not as they should be, do not get their tags.

    Who has asked for the write finds the reason where they look for what became of it.
    """
    files = AudioFile.objects.filter(pk__in=file_ids, tag_set__isnull=False)
    for file in (
        files.exclude(state=AudioFile.State.PRESENT).select_related("tag_set").order_by("pk")
    ):
        code, message = _ABSENT.get(file.state, (file.error_code, file.error_message))
        write = begin_write(file_id=file.pk, tags_key=file.tag_set.tags_key, plan={})
        outcome = WriteOutcome(TagWrite.State.FAILED, code=code, message=message)
        record_write(write_id=write.pk, outcome=outcome)


_ABSENT: dict[str, tuple[str, str]] = {
    AudioFile.State.MISSING: (
        "file_missing",
        "The file was not there when its tags were to be written. Write them when it is back.",
    ),
    AudioFile.State.EXCLUDED: (
        "file_excluded",
        "The library leaves the file out by now, so its tags were not written.",
    ),
}
