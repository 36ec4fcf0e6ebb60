"""What a worker tells about a file once it has read it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from earmark.core.deadlocks import again_after_deadlock
from earmark.core.rows import update_rows
from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.paths import folder_key
from earmark.library.services.locking import lock_files
from earmark.library.services.relations import repoint_rows

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Identity:
    """Which audio a file holds, as read at one moment.

    Attributes
    ----------
    audio_hash : str
        `earmark_files.identity.AudioIdentity.hash`: names the audio payload, not the file.
    audio_bytes : int
        Size of the payload.
    size, mtime_ns : int
        Of the file when it was read.
    """

    audio_hash: str
    audio_bytes: int
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class AudioFacts:
    """What decoding tells about a file.

    Attributes
    ----------
    duration : float
        Seconds.
    sample_rate : int
        Hertz.
    channels : int
    container, codec : str
        Short lower-case names, such as ``wav`` and ``pcm_s16le``.
    """

    duration: float
    sample_rate: int
    channels: int
    container: str
    codec: str


def identify_files(*, found: Mapping[int, Identity]) -> dict[int, int]:
    """Record which audio files hold, and recognise those that were moved or renamed.

    A new row whose audio is that of a missing row of the same library is that file at another
    place: the old row, with its tags and history, takes over the path and everything that
    refers to the new one, and the new row goes. To be called within a transaction.

    Parameters
    ----------
    found : mapping
        By the id of a file's row, which must be there.

    Returns
    -------
    dict
        For each of these ids that of the row that stands for the file from now on.
    """
    with transaction.atomic():
        rows = AudioFile.objects.filter(pk__in=found).order_by("pk").select_for_update()
        files = list(rows.only("library", "path", "path_key", "identified_at"))
        stands_for = {file.pk: file.pk for file in files}
        for file in _maybe_moved(files, found):
            old = _find_moved(file, found[file.pk].audio_hash, stands_for.values())
            if old is not None and _take_over_path(old, file):
                stands_for[file.pk] = old.pk
        now = timezone.now()
        update_rows(
            AudioFile,
            ("audio_hash", "audio_bytes", "size", "mtime_ns"),
            [
                (stands_for[pk], told.audio_hash, told.audio_bytes, told.size, told.mtime_ns)
                for pk, told in sorted(found.items())
            ],
            same={
                "state": AudioFile.State.PRESENT,
                "error_code": "",
                "error_message": "",
                "error_retryable": False,
                "identified_at": now,
                "last_seen_at": now,
            },
        )
    return stands_for


def _maybe_moved(files: Iterable[AudioFile], found: Mapping[int, Identity]) -> list[AudioFile]:
    """Return the new rows whose audio some missing row has; mostly none, asked about at once."""
    new = [file for file in files if file.identified_at is None]
    if not new:
        return []
    gone = AudioFile.objects.missing().filter(
        library__in={file.library_id for file in new},
        audio_hash__in={found[file.pk].audio_hash for file in new},
    )
    known = set(gone.values_list("library_id", "audio_hash").distinct())
    return [file for file in new if (file.library_id, found[file.pk].audio_hash) in known]


def _find_moved(file: AudioFile, audio_hash: str, there: Collection[int]) -> AudioFile | None:
    """Return the missing row a new file continues; one of the same name before others.

    Those of files that are `there`, just read or just recognised, are not missing any more.
    """
    rows = AudioFile.objects.select_for_update().missing().exclude(pk__in=list(there))
    found = rows.filter(library=file.library_id, audio_hash=audio_hash).order_by("-last_seen_at")
    candidates = list(found[:100])
    name = PurePosixPath(file.path).name
    return next(
        (row for row in candidates if PurePosixPath(row.path).name == name),
        candidates[0] if candidates else None,
    )


def _take_over_path(old: AudioFile, new: AudioFile) -> bool:
    try:
        with transaction.atomic():
            repoint_rows(new, old)
            AudioFile.objects.filter(pk=new.pk).delete()
            AudioFile.objects.filter(pk=old.pk).update(
                path=new.path, path_key=new.path_key, folder_key=folder_key(new.path)
            )
    except IntegrityError:
        # One run holds jobs for both places, so both keep their rows; the results are shared.
        log.info("move_not_merged", file=new.pk, missing_file=old.pk)
        return False
    log.info("file_moved", file=old.pk, old_path=old.path, path=new.path)
    return True


@again_after_deadlock
@transaction.atomic
def record_facts(*, facts: Mapping[int, AudioFacts]) -> None:
    """Store what decoding told about files, by file id."""
    rows = [
        (pk, told.duration, told.sample_rate, told.channels, told.container, told.codec)
        for pk, told in sorted(facts.items())
    ]
    columns = ("duration", "sample_rate", "channels", "container", "codec")
    lock_files(file_ids=facts.keys())
    update_rows(AudioFile, columns, rows)


def record_stat(*, file_id: int, size: int, mtime_ns: int) -> None:
    """Do what `record_stats` does for one file."""
    record_stats(found={file_id: (size, mtime_ns)})


def record_stats(*, found: Mapping[int, tuple[int, int]]) -> None:
    """Store sizes and times, by file id, after Earmark itself has written to files.

    The audio is the same, so the next scan shall find nothing new.
    """
    with transaction.atomic():
        lock_files(file_ids=found.keys())
        update_rows(
            AudioFile,
            ("size", "mtime_ns"),
            [(pk, size, mtime_ns) for pk, (size, mtime_ns) in sorted(found.items())],
        )


def mark_failed(*, file_id: int, code: str, message: str, retryable: bool = False) -> None:
    """Record that a file cannot be read, until its size or time changes."""
    AudioFile.objects.filter(pk=file_id).update(
        state=AudioFile.State.FAILED,
        error_code=code,
        error_message=to_storable(message),
        error_retryable=retryable,
    )


def mark_missing(*, file_id: int) -> None:
    """Record that a file has vanished since the scan."""
    AudioFile.objects.filter(pk=file_id).update(state=AudioFile.State.MISSING)
