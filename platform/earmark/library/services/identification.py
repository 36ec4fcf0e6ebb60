"""What a worker tells about a file once it has read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.paths import folder_key
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


def identify_file(*, file_id: int, identity: Identity) -> AudioFile:
    """Record which audio a file holds, and recognise a file that was moved or renamed.

    A new row whose audio is that of a missing row of the same library is that file at another
    place: the old row, with its tags and history, takes over the path and everything that
    refers to the new one, and the new row goes. To be called within a transaction.

    Returns
    -------
    AudioFile
        The row that stands for the file from now on, with its library.

    Raises
    ------
    AudioFile.DoesNotExist
        If the file's row is gone.
    """
    with transaction.atomic():
        rows = AudioFile.objects.select_for_update(of=("self",)).select_related("library")
        file = rows.get(pk=file_id)
        if file.identified_at is None:
            old = _find_moved(file, identity.audio_hash)
            if old is not None and _take_over_path(old, file):
                file = old
        file.audio_hash = identity.audio_hash
        file.audio_bytes = identity.audio_bytes
        file.size = identity.size
        file.mtime_ns = identity.mtime_ns
        file.state = AudioFile.State.PRESENT
        file.error_code = file.error_message = ""
        file.error_retryable = False
        file.identified_at = file.last_seen_at = timezone.now()
        file.save()
        return file


def _find_moved(file: AudioFile, audio_hash: str) -> AudioFile | None:
    """Return the missing row a new file continues; one of the same name before others."""
    rows = AudioFile.objects.select_for_update(of=("self",)).select_related("library").missing()
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
    old.path, old.path_key, old.folder_key = new.path, new.path_key, folder_key(new.path)
    return True


def record_facts(*, facts: Mapping[int, AudioFacts]) -> None:
    """Store what decoding told about files, by file id."""
    rows = [AudioFile(pk=pk, **asdict(told)) for pk, told in sorted(facts.items())]
    fields = ["duration", "sample_rate", "channels", "container", "codec"]
    AudioFile.objects.bulk_update(rows, fields)


def record_stat(*, file_id: int, size: int, mtime_ns: int) -> None:
    """Store size and time after Earmark itself has written to the file.

    The audio is the same, so the next scan shall find nothing new.
    """
    AudioFile.objects.filter(pk=file_id).update(size=size, mtime_ns=mtime_ns)


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
