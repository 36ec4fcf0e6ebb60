"""Give files their new names, and their old ones back. Touches sound files' names, never bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.paths import path_key, to_location
from earmark.writeback.errors import RenameRefusedError
from earmark.writeback.models import FileRename
from earmark.writeback.ucs_planning import RenamePlan
from earmark_files.metadata.undo_store import UndoStore
from earmark_files.paths import path_to_text, text_to_path
from earmark_files.renaming import rename_new

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
        _rename_all(location.parent, [(location.name, plan.name), *plan.sidecars])
    except OSError as error:
        refused = _refusal(error)
        _finish(rename, FileRename.State.FAILED, refused)
        raise refused from error
    _follow(rename, rename.old_path, rename.new_path)
    _finish(rename, FileRename.State.DONE)
    return rename


def undo_rename(*, rename_id: int) -> FileRename:
    """Give a file, and what went with it, the old name back.

    Raises
    ------
    RenameRefusedError
        ``not_renamed`` if it was undone already, ``renamed_again`` if a later rename stands,
        ``moved_since`` if it is not where it was put, ``name_taken`` if the old name is another's
        now. Nothing was changed.
    """
    rename = FileRename.objects.select_related("file__library").get(pk=rename_id)
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
    if rename.file.path != rename.new_path or not os.path.lexists(new):
        raise RenameRefusedError("The file was moved or renamed since.", code="moved_since")
    folder = new.parent
    pairs = [(after, before) for before, after in _sidecars(rename)]
    there = [(now, before) for now, before in pairs if os.path.lexists(folder / now)]
    try:
        _rename_all(folder, [(new.name, old.name), *there])
    except OSError as error:
        raise _refusal(error) from error
    _follow(rename, rename.new_path, rename.old_path)
    rename.state, rename.undone_at = FileRename.State.UNDONE, timezone.now()
    rename.save(update_fields=["state", "undone_at"])
    log.info("rename_undone", rename=rename.pk, file=rename.file_id)
    return rename


def settle_renames() -> int:
    """Finish or give up renames whose process died; returns how many there were.

    A file that has its new name gets its row and its sidecars brought after it; one that still
    has the old name keeps it.
    """
    count = 0
    for rename in FileRename.objects.filter(state=FileRename.State.PLANNED).select_related(
        "file__library"
    ):
        new, old = _location(rename, rename.new_path), _location(rename, rename.old_path)
        if os.path.lexists(new) and not os.path.lexists(old):
            there = [(a, b) for a, b in _sidecars(rename) if os.path.lexists(new.parent / a)]
            _rename_all(new.parent, there)
            _follow(rename, rename.old_path, rename.new_path)
            _finish(rename, FileRename.State.DONE)
        else:
            _finish(
                rename,
                FileRename.State.FAILED,
                RenameRefusedError("It was cut off before it began.", code="interrupted"),
            )
        count += 1
    return count


def _rename_all(folder: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Rename all or none: what was done is taken back when one fails."""
    done: list[tuple[str, str]] = []
    try:
        for old, new in pairs:
            rename_new(folder / old, folder / new)
            done.append((old, new))
    except OSError:
        for old, new in reversed(done):
            rename_new(folder / new, folder / old)
        raise


@transaction.atomic
def _follow(rename: FileRename, old_path: str, new_path: str) -> None:
    """Let the row of the file, and the undo records of single writes, follow its name."""
    rows = AudioFile.objects.filter(library=rename.file.library)
    here = rows.filter(path_key=path_key(new_path)).exclude(pk=rename.file_id).first()
    if here is not None:
        # A scan between a crash and now took the file for a new one; the newer row is the file's.
        rename.file = here
        rename.save(update_fields=["file"])
        return
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
