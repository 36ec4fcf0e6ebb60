"""Give files their new names, and their old ones back. Touches sound files' names, never bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.paths import path_key, to_location
from earmark.writeback.errors import RenameRefusedError
from earmark.writeback.models import FileRename
from earmark.writeback.ucs_planning import RenamePlan
from earmark_files.metadata.undo_store import UndoStore
from earmark_files.paths import path_to_text, text_to_path
from earmark_files.renaming import finish_rename, rename_new

log = structlog.get_logger(__name__)


def new_batch() -> str:
    """Return a name for the renames of one command."""
    return uuid4().hex[:8]


def rename_file(*, plan: RenamePlan, batch: str) -> FileRename:
    """Rename a file and what goes with it; its row follows, with all that is known about it.

    Raises
    ------
    RenameRefusedError
        If it cannot be done; file, sidecars and row are as they were.
    """
    file, location = plan.file, plan.file.location
    rename = FileRename.objects.create(
        file=file,
        batch=batch,
        old_path=file.path,
        new_path=_beside(file.path, plan.name),
        sidecars=[[path_to_text(old), path_to_text(new)] for old, new in plan.sidecars],
    )
    try:
        with transaction.atomic():
            _hold(rename)
            _rename_all(location.parent, [(location.name, plan.name), *plan.sidecars])
            _follow(rename, rename.old_path, rename.new_path)
            _finish(rename, FileRename.State.DONE)
    except RenameRefusedError as refused:
        _finish(rename, FileRename.State.FAILED, refused)
        raise
    return rename


@transaction.atomic
def undo_rename(*, rename_id: int) -> FileRename:
    """Give a file, and what went with it, the old name back.

    One that has it already, because an undo was cut off, is brought to its end.

    Raises
    ------
    RenameRefusedError
        ``not_renamed`` if it was undone already, ``renamed_again`` if a later rename stands,
        ``moved_since`` if it is not where it was put, ``name_taken`` if the old name is another's
        now. Nothing was changed.
    """
    rename = _rows_to_hold().get(pk=rename_id)
    if rename.state != FileRename.State.DONE:
        raise RenameRefusedError(
            f"This rename is {rename.get_state_display()}: there is nothing to undo.",
            code="not_renamed",
        )
    later = FileRename.objects.filter(
        file=rename.file, state=FileRename.State.DONE, pk__gt=rename.pk
    )
    if later.exists():
        raise RenameRefusedError(
            "The file was renamed again since; undo that first.", code="renamed_again"
        )
    new, old = _location(rename, rename.new_path), _location(rename, rename.old_path)
    pairs = [(after, before) for before, after in _sidecars(rename)]
    there = [(now, before) for now, before in pairs if os.path.lexists(new.parent / now)]
    if not _is_back(rename, new, old):
        if rename.file.path != rename.new_path or not os.path.lexists(new):
            raise RenameRefusedError("The file was moved or renamed since.", code="moved_since")
        there.insert(0, (new.name, old.name))
    _rename_all(new.parent, there)
    _follow(rename, rename.new_path, rename.old_path)
    rename.state, rename.undone_at = FileRename.State.UNDONE, timezone.now()
    rename.save(update_fields=["state", "undone_at"])
    log.info("rename_undone", rename=rename.pk, file=rename.file_id)
    return rename


def settle_renames() -> int:
    """Finish or give up renames whose process died; returns how many there were.

    A file that has its new name gets its row and its sidecars brought after it; one that still
    has the old name keeps it. Nothing is said of files that cannot be seen: their disk may be
    away. Renames that another process is doing at this moment are left to it.
    """
    planned = FileRename.objects.filter(state=FileRename.State.PLANNED)
    return sum(_settle(pk) for pk in sorted(planned.values_list("pk", flat=True)))


@transaction.atomic
def _settle(rename_id: int) -> bool:
    planned = _rows_to_hold(skip_locked=True).filter(state=FileRename.State.PLANNED)
    rename = planned.filter(pk=rename_id).first()
    if rename is None:
        return False
    new, old = _location(rename, rename.new_path), _location(rename, rename.old_path)
    if not os.path.lexists(new) and not os.path.lexists(old):
        return False
    if finish_rename(old, new):
        _bring_sidecars(rename, new.parent)
        _follow(rename, rename.old_path, rename.new_path)
        _finish(rename, FileRename.State.DONE)
    else:
        _finish(
            rename,
            FileRename.State.FAILED,
            RenameRefusedError("It was cut off before it began.", code="interrupted"),
        )
    return True


def _bring_sidecars(rename: FileRename, folder: Path) -> None:
    """Let the sidecars follow a file that cannot go back; what cannot follow keeps its name."""
    for before, after in _sidecars(rename):
        try:
            rename_new(folder / before, folder / after)
        except FileNotFoundError:
            continue  # it went along before the process died
        except OSError as error:
            log.warning("sidecar_left", rename=rename.pk, name=before, reason=error.strerror)


def _rows_to_hold(*, skip_locked: bool = False) -> QuerySet[FileRename]:
    """Return rows that are held until the transaction ends, so that one process is at a rename."""
    rows = FileRename.objects.select_for_update(skip_locked=skip_locked, of=("self",))
    return rows.select_related("file__library")


def _hold(rename: FileRename) -> None:
    """Hold the row of a rename; refuse if another process took it for one that was cut off."""
    planned = _rows_to_hold().filter(pk=rename.pk, state=FileRename.State.PLANNED)
    if planned.first() is None:
        raise RenameRefusedError("Another command gave this rename up.", code="interrupted")


def _is_back(rename: FileRename, new: Path, old: Path) -> bool:
    """Whether a file that was renamed has its old name again."""
    if not finish_rename(new, old):
        return False
    status, file = old.lstat(), rename.file
    return (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns)


def _rename_all(folder: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Rename all or none: what was done is taken back when one is refused."""
    done: list[tuple[str, str]] = []
    try:
        for old, new in pairs:
            rename_new(folder / old, folder / new)
            done.append((old, new))
    except OSError as error:
        for old, new in reversed(done):
            rename_new(folder / new, folder / old)
        raise _refusal(error) from error


def _follow(rename: FileRename, old_path: str, new_path: str) -> None:
    """Let the row of the file, and the undo records of single writes, follow its name."""
    rows = AudioFile.objects.filter(library=rename.file.library)
    here = rows.filter(path_key=path_key(new_path)).exclude(pk=rename.file_id).first()
    if here is not None:
        # A scan between a crash and now took the file for a new one; the newer row is the file's.
        rename.file = here
        rename.save(update_fields=["file"])
    else:
        rows.filter(pk=rename.file_id).update(path=new_path, path_key=path_key(new_path))
        rename.file.path = new_path
    store = UndoStore(Path(settings.DATA_DIR) / "undo")
    store.follow(_location(rename, old_path), _location(rename, new_path))


def _finish(
    rename: FileRename, state: FileRename.State, refused: RenameRefusedError | None = None
) -> None:
    rename.state, rename.finished_at = state, timezone.now()
    if refused is not None:
        rename.error_code = refused.code
        rename.error_message = to_storable(refused.message)
    rename.save(update_fields=["state", "finished_at", "error_code", "error_message"])


def _refusal(error: OSError) -> RenameRefusedError:
    reason = os.strerror(error.errno or 0)
    if isinstance(error, FileExistsError):
        return RenameRefusedError("The name is taken by another file.", code="name_taken")
    if isinstance(error, FileNotFoundError):
        return RenameRefusedError("The file is not there any more.", code="moved_since")
    return RenameRefusedError(f"The system refused ({reason}).", code="not_permitted")


def _sidecars(rename: FileRename) -> list[tuple[str, str]]:
    return [
        (os.fsdecode(text_to_path(before)), os.fsdecode(text_to_path(after)))
        for before, after in rename.sidecars
    ]


def _location(rename: FileRename, path: str) -> Path:
    return to_location(rename.file.library.root, path)


def _beside(path: str, name: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{path_to_text(name)}"
