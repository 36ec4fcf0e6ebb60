"""After a crash: what did the dead do, and who gets their work?"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import structlog

from earmark.jobs.models import Run
from earmark.jobs.selectors import list_lease_holders, list_open_runs, list_silent_runs
from earmark.jobs.services import cancel_run, requeue_expired
from earmark.library.models import Library
from earmark.writeback.models import TagWrite
from earmark.writeback.selectors import list_unknown_writes
from earmark.writeback.services import WriteOutcome, record_write
from earmark_files.errors import AudioFileError, from_os_error
from earmark_files.metadata import Policy, Sidecar, TagSet, UndoRecord, plan_write
from earmark_workers.pipeline.naming import is_gone, is_local
from earmark_workers.pipeline.shared_runs import OWNER

log = structlog.get_logger(__name__)


def release_dead_workers() -> int:
    """Queue again, at once, what ended processes of this machine hold; return how many jobs.

    That is not held against the files: the process that held them does not decode, so it was
    ended from outside. A file that kills its decoder or classifier is dealt with by the pool.
    """
    dead = [worker for worker in list_lease_holders() if is_gone(worker)]
    if not dead:
        return 0
    return requeue_expired(dead_workers=dead, blame=False).requeued


def release_lost_jobs() -> int:
    """Queue again what the dead hold, as far as that can be known; return how many jobs.

    Of the processes of this machine it is known at once, of others when their leases end.
    """
    return release_dead_workers() + requeue_expired().requeued


def cancel_abandoned_runs(library: Library) -> list[Run]:
    """Cancel the runs whose process has ended: what they left undone is submitted anew.

    A process of another machine is taken for dead when its run shows no sign of life.
    """
    silent = set(list_silent_runs(library=library).values_list("pk", flat=True))
    runs = [
        run
        for run in list_open_runs(library=library)
        if (owner := str(run.options.get(OWNER, "")))
        and (is_gone(owner) or (run.pk in silent and not is_local(owner)))
    ]
    for run in runs:
        cancel_run(run=run)
    return runs


def settle_unknown_writes(library: Library, file_ids: Collection[int] | None = None) -> int:
    """Find out whether writes that nobody reported were done; return how many were.

    The undo record kept before the write describes the file before and after to the byte, the
    audio included. What was done is recorded as done, so it is not done again and can be undone.
    With `file_ids` only writes to these files are looked at.
    """
    done = 0
    writes = list_unknown_writes().filter(file__library=library)
    if file_ids is not None:
        writes = writes.filter(file__in=file_ids)
    for write in writes:
        outcome = _find_out(write)
        done += outcome.state == TagWrite.State.WRITTEN
        record_write(write_id=write.pk, outcome=outcome)
        state = str(outcome.state)
        log.info("interrupted_write_settled", write=write.pk, file=write.file_id, state=state)
    return done


def _find_out(write: TagWrite) -> WriteOutcome:
    if write.undo is None:
        return _not_done("The write was broken off before the file was touched.")
    location = write.file.location
    try:
        record = UndoRecord.from_json(write.undo)
        if not _is_as_written(location, record):
            return _not_done("The write was broken off; the file is as it was before.")
        status = location.stat()
    except AudioFileError as error:
        return _not_done(f"The write was broken off, and the file cannot be read: {error.message}")
    except OSError as error:
        return _not_done(from_os_error(error, location).message)
    return WriteOutcome(
        TagWrite.State.WRITTEN,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        undo=write.undo,
    )


def _is_as_written(location: Path, record: UndoRecord) -> bool:
    """Compare the written file, byte for byte by its hashes, with what the write leaves."""
    sidecar = Sidecar.ALWAYS if record.container == "sidecar" else Sidecar.NEVER
    nothing = plan_write(location, TagSet(), Policy(sidecar=sidecar))
    return nothing.snapshot.same_content(record.after)


def _not_done(message: str) -> WriteOutcome:
    return WriteOutcome(TagWrite.State.FAILED, code="interrupted", message=message)
