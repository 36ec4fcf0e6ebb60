"""Everything that changes the record of tag writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.services import record_stat
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


def begin_write(
    *,
    file_id: int,
    tags_key: str,
    plan: Mapping[str, object],
    target: str = "",
    undo: Mapping[str, object] | None = None,
) -> TagWrite:
    """Record that a file is about to be written to, before it is touched.

    Parameters
    ----------
    file_id : int
    tags_key : str
        Of the tag set that is written; see `earmark.tagging.services.tags_key_of`.
    plan : mapping
        Summary of the plan, for people (JSON).
    target : str
        What is written to, if that is not the file itself but a sidecar: its path, text form.
    undo : mapping, optional
        What takes the write back, known before it is done: after a crash it also tells whether
        it was done.
    """
    return TagWrite.objects.create(
        file_id=file_id,
        tags_key=tags_key,
        plan=to_storable(dict(plan)),
        target=target,
        undo=dict(undo) if undo is not None else None,
    )


@transaction.atomic
def record_write(*, write_id: int, outcome: WriteOutcome) -> None:
    """Record what became of a write, and the file's new size and time with it.

    The next scan then finds nothing new, for the audio is the same.
    """
    rows = TagWrite.objects.filter(pk=write_id)
    file_id = rows.select_for_update().values_list("file_id", flat=True).get()
    rows.update(
        state=outcome.state,
        error_code=outcome.code,
        error_message=to_storable(outcome.message),
        file_size=outcome.size,
        file_mtime_ns=outcome.mtime_ns,
        finished_at=timezone.now(),
        # Undo records are large: not written a second time where nothing is new.
        **({} if outcome.undo is None else {"undo": dict(outcome.undo)}),
    )
    if outcome.size is not None and outcome.mtime_ns is not None:
        record_stat(file_id=file_id, size=outcome.size, mtime_ns=outcome.mtime_ns)


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
