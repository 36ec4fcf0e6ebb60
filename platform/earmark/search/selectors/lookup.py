"""Files by what another program knows of them: where they are, their audio, or their category.

Only rows are looked at, no file is opened and no folder read. A path that lies in no library that
may be seen is answered like one of a file that does not exist.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from earmark.core.text import to_storable
from earmark.library.models import AudioFile, Library
from earmark.library.paths import path_key
from earmark.search.selectors.found import FoundFile, load_files
from earmark.tagging.models import TagSet
from earmark_files.paths import path_to_text

FILES_EACH = 100
"""Files that are named for one hash or CatID; the search names them all."""

FILES_IN_ALL = 5_000
"""About so many are named in one answer: the more is asked at once, the fewer for each."""

_AT_ONCE = 500


@dataclass(frozen=True)
class LookUp:
    """What is asked about: absolute paths, audio hashes, UCS CatIDs."""

    paths: Sequence[str] = ()
    audio_hashes: Sequence[str] = ()
    catids: Sequence[str] = ()


@dataclass(frozen=True)
class Looked:
    """The answer about one of them.

    Attributes
    ----------
    by, value : str
        ``path``, ``audio_hash`` or ``catid``, and which.
    files : list of FoundFile
        Up to `FILES_EACH`, fewer where much is asked; empty where nothing is known.
    more : bool
        Whether there are more.
    """

    by: str
    value: str
    files: list[FoundFile]
    more: bool = False


def look_up(asked: LookUp, *, libraries: QuerySet[Library]) -> list[Looked]:
    """Answer about everything that is asked, in its order, from the libraries that may be seen."""
    found: list[tuple[str, str, list[int]]] = []
    paths = _by_path(asked.paths, libraries)
    found += (("path", path, paths.get(path, [])) for path in asked.paths)
    visible = libraries.order_by().values_list("pk", flat=True)
    hashes = _by_hash(asked.audio_hashes, visible)
    found += (("audio_hash", value, hashes.get(value, [])) for value in asked.audio_hashes)
    found += (("catid", value, _of_category(value, visible)) for value in asked.catids)
    each = _files_each(len(asked.audio_hashes) + len(asked.catids))
    wanted = dict.fromkeys(pk for _, _, ids in found for pk in ids[:each])
    files = {one.id: one for one in load_files(list(wanted))}
    return [
        Looked(by, value, [files[pk] for pk in ids[:each] if pk in files], len(ids) > each)
        for by, value, ids in found
    ]


def _files_each(values: int) -> int:
    """Return how many files are named for each of so many values."""
    return min(FILES_EACH, max(1, FILES_IN_ALL // max(1, values)))


def _by_path(paths: Iterable[str], libraries: QuerySet[Library]) -> dict[str, list[int]]:
    roots = {root: pk for pk, root in libraries.order_by().values_list("pk", "root") if root != ""}
    wanted: dict[tuple[int, str], list[str]] = defaultdict(list)
    for path in paths:
        for library_id, relative in _places(path, roots):
            wanted[library_id, path_key(relative)].append(path)
    found: dict[str, list[int]] = defaultdict(list)
    keys = sorted({key for _, key in wanted})
    for start in range(0, len(keys), _AT_ONCE):
        rows = AudioFile.objects.filter(
            library__in={library_id for library_id, _ in wanted},
            path_key__in=keys[start : start + _AT_ONCE],
        )
        for pk, library_id, key in rows.values_list("pk", "library_id", "path_key"):
            for path in wanted.get((library_id, key), []):
                found[path].append(pk)
    return found


def _places(path: str, roots: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Yield the library and the relative path that an absolute path may mean."""
    if not path.startswith("/") or "\0" in path:
        return
    text = path_to_text(posixpath.normpath(path).encode("utf-8", "surrogateescape"))
    folder = text
    while folder not in ("", "/"):
        folder = folder.rpartition("/")[0]
        library_id = roots.get(folder or "/")
        if library_id is not None:
            yield library_id, text[len(folder) :].lstrip("/")


def _by_hash(hashes: Sequence[str], visible: QuerySet[Library, int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    wanted = [to_storable(value) for value in hashes if value]
    for start in range(0, len(wanted), _AT_ONCE):
        rows = AudioFile.objects.on_disk().filter(
            library__in=visible, audio_hash__in=wanted[start : start + _AT_ONCE]
        )
        for pk, audio_hash in rows.order_by("pk").values_list("pk", "audio_hash"):
            found[audio_hash].append(pk)
    return found


def _of_category(catid: str, visible: QuerySet[Library, int]) -> list[int]:
    sets = TagSet.objects.filter(catid=to_storable(catid), file__library__in=visible)
    rows = sets.order_by("file").values_list("file", flat=True)
    return list(rows[: FILES_EACH + 1]) if catid else []
