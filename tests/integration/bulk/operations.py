"""Operations on many files, as workers do them."""

from __future__ import annotations

from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.working import run_next_operation
from earmark.library.models import AudioFile, Library
from earmark.library.services import record_stat
from earmark.tagging.models import Tag, TagSet
from earmark.writeback.models import TagWrite
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from earmark_files.metadata import Policy, apply, plan_write
from earmark_files.metadata import TagSet as FileTagSet

BULK = "/api/v1/bulk"


def work() -> BulkOperation | None:
    """Do the next operation."""
    return run_next_operation(worker="one", should_stop=bool)


def tagged(library: Library, word: str) -> int:
    return Tag.objects.accepted().filter(file__library=library, name=word).count()


def write_as_a_worker_does(file: AudioFile, word: str = "Gate") -> None:
    plan = plan_write(file.location, FileTagSet(keywords=(word,)), Policy.replace_own())
    key = TagSet.objects.get(file=file).tags_key
    row = begin_write(file_id=file.pk, tags_key=key, plan={}, undo=plan.undo.to_json())
    apply(plan)
    status = file.location.stat()
    outcome = WriteOutcome(TagWrite.State.WRITTEN, status.st_size, status.st_mtime_ns)
    record_write(write_id=row.pk, outcome=outcome)
    record_stat(file_id=file.pk, size=status.st_size, mtime_ns=status.st_mtime_ns)
