"""Work operations off, slice by slice: whoever dies, no file is left half done or done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q

from earmark.classifiers.selectors import get_default_classifier, get_usable_classifiers
from earmark.core.errors import EarmarkError
from earmark.exchange.bulk.errors import OperationLostError
from earmark.exchange.bulk.forgetting import forget
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.selection import began, found_by, list_changes, next_files
from earmark.exchange.bulk.services import (
    Problem,
    advance,
    claim_operation,
    finish_operation,
    hold_operation,
    record_failure,
    release_operation,
)
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection
from earmark.jobs.services import submit_run
from earmark.library.models import AudioFile
from earmark.tagging.errors import TagsOutdatedError
from earmark.tagging.models import TagChange
from earmark.tagging.services import Words, change_tags, plan_rederivation, undo_changes
from earmark.writeback.asking import follow_tags, request_writes_of
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.undoing import undo_write
from earmark_files.metadata import MetadataError

log = structlog.get_logger(__name__)

SLICE = 200
"""Files changed in one transaction: a fraction of a second, in which nobody else writes SQLite."""

Kind = BulkOperation.Kind


def run_next_operation(*, worker: str, should_stop: Callable[[], bool]) -> BulkOperation | None:
    """Take the next operation and work on it until it is done or somebody wants to stop.

    Returns
    -------
    BulkOperation or None
        None where nothing waits.
    """
    operation = claim_operation(worker=worker)
    if operation is None:
        return None
    try:
        for _ in _WORK[Kind(operation.kind)](operation):
            if should_stop():
                release_operation(operation=operation)
                return operation
        finish_operation(operation=operation)
    except OperationLostError:
        log.info("bulk_lost", operation=operation.pk)
    except EarmarkError as error:
        state = BulkOperation.State.FAILED
        finish_operation(operation=operation, state=state, code=error.code, message=str(error))
        log.warning("bulk_failed", operation=operation.pk, code=error.code)
    except Exception as error:
        # Whoever comes next may have more luck; nobody shall try for ever, nor be stopped by it.
        log.exception("bulk_broken", operation=operation.pk)
        record_failure(operation=operation, error=error)
    return operation


def _next_files(operation: BulkOperation) -> list[AudioFile]:
    return next_files(operation, SLICE)


def _change_tags(operation: BulkOperation) -> Iterator[None]:
    words = Words.of({operation.kind: operation.options["tags"]})
    while files := _next_files(operation):
        with transaction.atomic():
            problems = _change(operation, files, words)
            _advance(operation, files, len(files) - len(problems), problems)
        yield


def _change(operation: BulkOperation, files: Sequence[AudioFile], words: Words) -> list[Problem]:
    """Change the words of files; those that cannot be changed are told and left as they are."""
    try:
        with transaction.atomic():
            change_tags(
                files=files,
                words=words,
                by=operation.requested_by or operation.requested_by_name,
                comment=operation.comment,
                batch=operation.batch,
            )
            follow_tags(file_ids=[file.pk for file in files], write=operation.options.get("write"))
    except TagsOutdatedError as error:
        if len(files) == 1:
            return [Problem(files[0].pk, error.code, error.message)]
        return [one for file in files for one in _change(operation, [file], words)]
    return []


def _undo_changes(operation: BulkOperation) -> Iterator[None]:
    by = operation.requested_by or operation.requested_by_name
    while changes := list_changes(operation=operation, limit=SLICE):
        with transaction.atomic():
            undone, problems = _undo(operation, changes, by)
            _advance(operation, [change.file for change in changes], undone, problems)
        yield


def _undo(
    operation: BulkOperation, changes: Sequence[TagChange], by: User | str
) -> tuple[int, list[Problem]]:
    """Take changes back and return how many; else as `_change`."""
    try:
        with transaction.atomic():
            undone = undo_changes(changes=changes, by=by)
            ids = [change.file_id for change in undone]
            follow_tags(file_ids=ids, write=operation.options.get("write"))
    except TagsOutdatedError as error:
        if len(changes) == 1:
            return 0, [Problem(changes[0].file_id, error.code, error.message)]
        each = [_undo(operation, [change], by) for change in changes]
        return sum(number for number, _ in each), [one for _, some in each for one in some]
    return len(undone), []


def _request_writes(operation: BulkOperation) -> Iterator[None]:
    while files := _next_files(operation):
        with transaction.atomic():
            ids = [file.pk for file in files]
            asked = request_writes_of(file_ids=ids, only_kept=False)
            _advance(operation, files, asked)
        yield


def _undo_writes(operation: BulkOperation) -> Iterator[None]:
    """Take back the newest write of each file; one that is back already is found to be so."""
    while files := _next_files(operation):
        for file in files:
            problem, changed = _undo_write(operation, file)
            _advance(operation, [file], int(changed), problem)
            yield


def _undo_write(operation: BulkOperation, file: AudioFile) -> tuple[list[Problem], bool]:
    asked = WriteRequest.objects.filter(file=file)
    asked.filter(state=WriteRequest.State.QUEUED).delete()
    if asked.exists():
        return [Problem(file.pk, "being_written", "A worker is writing to the file.")], False
    # One that was taken back since: by a worker that died before it could say so, or by a person.
    # The one before it is not what was asked for.
    standing = Q(state=TagWrite.State.WRITTEN)
    back = Q(state=TagWrite.State.UNDONE, undone_at__gte=operation.created_at)
    writes = TagWrite.objects.filter(standing | back, file=file, undo__isnull=False).order_by("-pk")
    if run := operation.selection.get("run"):
        writes = writes.filter(created_at__gte=began(run))
    write = writes.only("pk", "state").first()
    if write is None:
        return [], False
    if write.state == TagWrite.State.UNDONE:
        return [], True
    try:
        undo_write(write_id=write.pk)
    except (MetadataError, EarmarkError) as error:
        return [Problem(file.pk, error.code, error.message)], False
    except OSError as error:
        return [Problem(file.pk, "cannot_write", error.strerror or str(error))], False
    return [], True


def _rerun(operation: BulkOperation) -> Iterator[None]:
    if operation.run_id is not None:
        return  # whoever had the operation before has submitted the run and was stopped then
    options, chosen = operation.options, operation.selection
    names = options.get("classifiers") or []
    classifiers = get_usable_classifiers(names=names) if names else [get_default_classifier()]
    with transaction.atomic():
        hold_operation(operation=operation)
        run = submit_run(
            library=operation.library,
            classifiers=classifiers,
            under=chosen.get("under", ""),
            selection=_selection_of(operation),
            mode=Run.Mode.FORCE if options.get("force") else Run.Mode.MISSING,
            options={"command": "work", "write": bool(options.get("write")), Run.FOLLOW_UP: True},
            requested_by=operation.requested_by,
            keep_empty=True,
        )
        advance(operation=operation, cursor=0, done=operation.total, changed=operation.total)
        BulkOperation.objects.filter(pk=operation.pk).update(run=run)
    yield


def _selection_of(operation: BulkOperation) -> Selection:
    chosen = operation.selection
    found = found_by(operation)
    if found is None:
        return Selection(chosen.get("query", ""), chosen.get("files"), chosen.get("run"))
    # The rest has narrowed down what was found; asked again, it could leave out what was seen.
    return Selection(within=found, told={"search": chosen["search"]})


def _derive(operation: BulkOperation) -> Iterator[None]:
    """Derive by the policy of today; what is done needs no cursor, it is outdated no more."""
    plans = plan_rederivation(library=operation.library)
    left = sum(plan.count() for plan in plans)
    BulkOperation.objects.filter(pk=operation.pk).update(total=F("done") + left)
    for plan in plans:
        batches = plan.work()
        while _derive_next(operation, batches):
            yield


@transaction.atomic
def _derive_next(operation: BulkOperation, batches: Iterator[int]) -> bool:
    number = next(batches, 0)
    if number:
        advance(operation=operation, cursor=0, done=number, changed=number)
    return bool(number)


def _advance(
    operation: BulkOperation,
    files: Sequence[AudioFile],
    changed: int,
    problems: Sequence[Problem] = (),
) -> None:
    advance(
        operation=operation,
        cursor=files[-1].pk,
        done=len(files),
        changed=changed,
        problems=problems,
    )


_WORK: Mapping[BulkOperation.Kind, Callable[[BulkOperation], Iterator[None]]] = {
    Kind.ADD: _change_tags,
    Kind.REMOVE: _change_tags,
    Kind.REPLACE: _change_tags,
    Kind.UNDO: _undo_changes,
    Kind.WRITE: _request_writes,
    Kind.UNDO_WRITES: _undo_writes,
    Kind.RERUN: _rerun,
    Kind.DERIVE: _derive,
    Kind.FORGET: forget,
}
