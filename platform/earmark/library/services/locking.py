"""The one order in which rows of files are locked."""

from __future__ import annotations

from collections.abc import Collection

from earmark.library.models import AudioFile


def lock_files(*, file_ids: Collection[int]) -> None:
    """Let nobody else change files, or their tags, until the present transaction ends.

    Two workers may derive the tags of one file: without this each would add its own. The rows are
    taken in the order of their keys, whatever the database would choose for an update of many:
    then nobody waits in a circle.
    """
    files = AudioFile.objects.filter(pk__in=file_ids).order_by("pk")
    list(files.select_for_update(no_key=True).values_list("pk", flat=True))
