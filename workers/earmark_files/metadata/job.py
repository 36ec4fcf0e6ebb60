"""One rewrite of one file, and the errors every way of doing it may end in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from earmark_files.metadata.containers import reopen
from earmark_files.metadata.document import Payload
from earmark_files.metadata.errors import ConflictError, MetadataError, VerificationError
from earmark_files.metadata.plan import Snapshot
from earmark_files.metadata.source import Source, Splice

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """One rewrite of one file: from which state, by which splices, to which state.

    Attributes
    ----------
    path : Path
        The file.
    container : str
        What it is.
    before, after : Snapshot
        The state it must be in, and the state it shall be in.
    splices : sequence of Splice
        The way from one to the other.
    audio_before, audio_after : Payload
        Where the audio lies in the old file, and where it will lie.
    promised : mapping of str to str, or None
        What each slot shall say afterwards; None where only the bytes count.
    in_place_from : int or None
        From which size on to work in place.
    mtime_ns : int or None
        Modification time to give the new file; None lets the clock decide.
    """

    path: Path
    container: str
    before: Snapshot
    after: Snapshot
    splices: Sequence[Splice]
    audio_before: Payload
    audio_after: Payload
    promised: Mapping[str, str] | None
    in_place_from: int | None
    mtime_ns: int | None

    def conflict(self) -> ConflictError:
        """Return the error for a file that is not the one that was planned for."""
        return ConflictError(
            "The file changed after the plan was made. Nothing was written; plan again.",
            path=self.path,
        )

    def not_as_planned(self) -> VerificationError:
        """Return the error for a new file that is not what it should be."""
        log.error("metadata.verification_failed", path=str(self.path), container=self.container)
        return VerificationError(
            "What was written is not what was planned, so the old file was kept. The volume or "
            "the memory of this machine may be faulty.",
            path=self.path,
        )

    def is_planned(self, source: Source, audio: str) -> bool:
        """Whether a new file, whose audio hash is given, is the planned one in every byte."""
        rest = self.audio_after.rest_digest(source)
        return Snapshot(source.size, 0, audio, rest).same_content(self.after)

    def says_what_was_promised(self, source: Source) -> bool:
        """Whether the tags in a new file, read anew, are the ones the plan promised.

        Nothing of the plan's bytes is used: the file is parsed as any other would be.
        """
        if self.promised is None:
            return True
        try:
            found = reopen(self.container, source)
        except MetadataError as error:
            log.error("metadata.unreadable_after_write", path=str(self.path), code=error.code)
            return False
        return dict(found.values) == self.promised
