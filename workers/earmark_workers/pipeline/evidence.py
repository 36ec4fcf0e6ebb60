"""What people wrote in a file before: read from the file and its path, never from our own tags."""

from __future__ import annotations

import structlog

from earmark.library.models import AudioFile
from earmark.tagging.knowledge import Evidence, load_ucs, words_of_path
from earmark.tagging.services import Found
from earmark_files.metadata import FileTags, MetadataError, read_tags

log = structlog.get_logger(__name__)


def look_into(file: AudioFile) -> Found:
    """Read what people say about a file; its `library` should be loaded.

    A file whose tags cannot be read still has a name; the reason is kept beside it.
    """
    file_words, folder_words = words_of_path(file.path)
    try:
        tags = read_tags(file.location, catids=load_ucs())
    except MetadataError as error:
        log.info("evidence_unreadable", file=file.pk, code=error.code, reason=error.message)
        found = Evidence(file_words=file_words, folder_words=folder_words)
        return Found(found, error.code)
    own = {word.casefold() for word in tags.own_keywords}
    return Found(
        Evidence(
            keywords=tuple(word for word in tags.keywords if word.casefold() not in own),
            description=_of_person(tags, "description"),
            category=_of_person(tags, "category"),
            subcategory=_of_person(tags, "subcategory"),
            catid=_of_person(tags, "catid") or (tags.file_name.catid if tags.file_name else ""),
            file_words=file_words,
            folder_words=folder_words,
        )
    )


def _of_person(tags: FileTags, field: str) -> str:
    """Return the first value of a field that Earmark did not write."""
    return next((tag.value for tag in tags.found if tag.field == field and not tag.own), "")
