"""What the threads of `earmark_workers.pipeline.writing` do to one file; no database."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from earmark_files.errors import AudioFileError, ReadErrorCode, from_os_error
from earmark_files.identity import audio_identity
from earmark_files.metadata import Policy, TagSet, WritePlan, apply, plan_write

POLICY = Policy.replace_own()
"""Fill gaps, add keywords, bring our own earlier tags up to date; a person's value stays."""

AUDIO_CHANGED = "audio_changed"
"""The file holds another sound than the one its tags are about. Stored: never rename it."""


@dataclass(frozen=True)
class WriteOrder:
    """Tags that belong into a file.

    Attributes
    ----------
    file_id : int
    location : Path
    size, mtime_ns : int
        The state of the file whose audio was identified as `audio_hash`.
    audio_hash : str
        "" where nobody has read it in this state.
    heard : str
        The audio that the tags were derived from; "" where nobody has listened to it yet.
    tags_key : str
        See `earmark.tagging.services.tags_key_of`.
    tags : TagSet
    """

    file_id: int
    location: Path
    size: int
    mtime_ns: int
    audio_hash: str
    heard: str
    tags_key: str
    tags: TagSet


class FileState(NamedTuple):
    """What tells that a file has changed."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Planned:
    """A plan, and the state of the file it holds for."""

    plan: WritePlan
    state: FileState


def plan_file(order: WriteOrder, rest_s: float) -> Planned:
    """Plan a write.

    The known audio hash holds only for the state it was read from. Somebody who has changed only
    what else is in the file, such as another program its metadata, keeps no tags out of it.

    Parameters
    ----------
    order : WriteOrder
    rest_s : float
        How long a file that has changed must have been left alone.

    Raises
    ------
    AudioFileError
        ``changed_during_run`` if somebody is at the file, `AUDIO_CHANGED` if it is another sound.
    """
    state = _state_of(order.location)
    audio_hash = order.audio_hash
    if state != (order.size, order.mtime_ns):
        _require_rest(order, state, rest_s)
        audio_hash = ""
    if order.heard and not audio_hash:
        audio_hash = audio_identity(order.location).hash
        _require_state(order, state)
        if audio_hash != order.heard:
            raise AudioFileError(
                "The file holds another sound than the one its tags are about, so they were not "
                "written. Classify it again.",
                code=AUDIO_CHANGED,
                path=order.location,
            )
    plan = plan_write(order.location, order.tags, POLICY, audio_hash=audio_hash or None)
    return Planned(plan, state)


def write_file(order: WriteOrder, planned: Planned) -> FileState:
    """Carry a plan out; return the file's state afterwards."""
    _require_state(order, planned.state)
    apply(planned.plan)
    return _state_of(order.location)


def _require_rest(order: WriteOrder, state: FileState, rest_s: float) -> None:
    age_s = time.time() - state.mtime_ns / 1e9
    if 0 <= age_s < rest_s:  # the clock of a file server may be ahead of ours
        raise _is_changing(order)


def _require_state(order: WriteOrder, state: FileState) -> None:
    if _state_of(order.location) != state:
        raise _is_changing(order)


def _is_changing(order: WriteOrder) -> AudioFileError:
    return AudioFileError(
        "Somebody was changing the file when its tags were to be written, so they were not. Write "
        "them when the file has come to rest.",
        code=ReadErrorCode.CHANGED_DURING_RUN,
        path=order.location,
    )


def _state_of(path: Path) -> FileState:
    try:
        status = path.stat()
    except OSError as error:
        raise from_os_error(error, path) from error
    return FileState(status.st_size, status.st_mtime_ns)
