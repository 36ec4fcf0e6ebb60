"""Ask for tags to be written into files; `earmark.writeback.write_queue` is who does it.

One request for a file: who asks again replaces what was asked for before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain

from django.db import connection, transaction

from earmark.core.hints import hint_on_commit
from earmark.jobs.models import Run
from earmark.library.models import AudioFile
from earmark.settings.queues import WRITE
from earmark.writeback.models import WriteRequest
from earmark.writeback.selectors import only_kept_up, only_to_write

_BATCH = 500
_TABLE = WriteRequest._meta.db_table
_FIXED = {"state": "'queued'", "worker": "''"} | dict.fromkeys(
    ("attempts", "failures", "lost_leases", "slots"), "0"
)
_VALUES = f"(%s, %s, %s, %s, {', '.join(_FIXED.values())})"
_SAME = f"{_TABLE}.failures = 0 OR {_TABLE}.tags_key = excluded.tags_key"
# Names of the model only, nothing from outside.
_INSERT = (
    f"INSERT INTO {_TABLE} (file_id, library_id, run_id, tags_key, {', '.join(_FIXED)}) VALUES"
)
# Other tags than those that could not be written are tried at once, and as often as any: the old
# ones are not held against them. `bulk_create` cannot say that.
_REPLACE = (
    "ON CONFLICT (file_id) DO UPDATE SET run_id = excluded.run_id, tags_key = excluded.tags_key, "
    f"failures = CASE WHEN {_SAME} THEN {_TABLE}.failures ELSE 0 END, "
    f"due_at = CASE WHEN {_SAME} THEN {_TABLE}.due_at ELSE excluded.due_at END"
)


def request_writes(*, run: Run, tags_keys: Mapping[int, str]) -> None:
    """Ask for the tags of files of a run's library to be written into them.

    A file that is asked for already is written once, with the tags it has then.

    Parameters
    ----------
    run : Run
        By whose rules the tags were derived.
    tags_keys : mapping
        By file id; see `earmark.writeback.models.WriteRequest`.
    """
    _ask([(file_id, run.library_id, run.pk, tags_key) for file_id, tags_key in tags_keys.items()])


def request_writes_of(*, file_ids: Collection[int], only_kept: bool) -> int:
    """Ask for the tags that files have now to be written into them; return how many need it.

    Parameters
    ----------
    file_ids : collection of int
        Some hundreds.
    only_kept : bool
        Only files into which Earmark has written before; see `only_kept_up`. A change of tags
        follows into these; the others are written when somebody asks for it.
    """
    files = only_to_write(AudioFile.objects.filter(pk__in=file_ids))
    if only_kept:
        files = only_kept_up(files)
    wanted = files.values_list("pk", "library", "tag_set__tags_key")
    asked = _ask([(file_id, library_id, None, key) for file_id, library_id, key in wanted])
    if asked:
        hint_on_commit(WRITE)
    return asked


def follow_tags(*, file_ids: Collection[int], write: bool | None = None) -> int:
    """Let files follow a change of their tags, in its transaction; return how many will.

    Parameters
    ----------
    file_ids : collection of int
        Some hundreds.
    write : bool, optional
        Whether they are brought up to date; by default those into which Earmark has written.
    """
    if write is False:
        return 0
    return request_writes_of(file_ids=file_ids, only_kept=write is None)


def _ask(wanted: Collection[tuple[int, int, int | None, str]]) -> int:
    """Store requests (file, library, run, key), in place of older ones; return how many.

    In the order of all others, so that nobody waits in a circle.
    """
    rows = sorted(wanted, key=lambda request: request[0])
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            values = ", ".join([_VALUES] * len(batch))
            cursor.execute(f"{_INSERT} {values} {_REPLACE}", list(chain.from_iterable(batch)))
    return len(rows)
