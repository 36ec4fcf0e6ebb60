"""Questions about libraries and their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db.models import Count

from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.paths import path_key, to_relative
from earmark_files.paths import path_to_text


@dataclass(frozen=True)
class Place:
    """A folder, or a file, as seen from the library it belongs to.

    Attributes
    ----------
    library : Library
    under : str
        Relative path in text form; "" is the library's root.
    """

    library: Library
    under: str


def find_library(path: Path) -> Place | None:
    """Return the library that holds an absolute, resolved path."""
    keys = {path_key(path_to_text(folder)): folder for folder in (path, *path.parents)}
    library = Library.objects.filter(root_key__in=keys).first()
    if library is None:
        return None
    return Place(library, to_relative(library.location, path))


def list_libraries_below(folder: Path) -> list[Library]:
    """Return the libraries inside a folder, not counting the folder itself."""
    return [
        library for library in Library.objects.order_by("pk") if folder in library.location.parents
    ]


def list_files(*, library: Library, under: str = "") -> AudioFileQuerySet:
    """Return the files of a library, or of a folder or single file in it, in order of path."""
    files = AudioFile.objects.filter(library=library)
    if under:
        files = files.under(under) | files.filter(path_key=path_key(under))
    return files.select_related("library").order_by("path")


def list_duplicates(*, library: Library) -> list[tuple[str, int]]:
    """Return the audio identities that several files on disk share, with their number."""
    rows = (
        AudioFile.objects.filter(library=library)
        .on_disk()
        .identified()
        .values("audio_hash")
        .annotate(files=Count("pk"))
        .filter(files__gt=1)
        .order_by("-files", "audio_hash")
    )
    return [(row["audio_hash"], row["files"]) for row in rows]


def count_files(*, library: Library) -> dict[str, int]:
    """Return how many files are in each state; states without files are there with 0."""
    rows = AudioFile.objects.filter(library=library).values_list("state").annotate(Count("pk"))
    return dict.fromkeys(AudioFile.State.values, 0) | dict(rows)
