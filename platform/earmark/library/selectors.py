"""Questions about libraries and their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.db.models import Count, Exists, OuterRef
from django.db.models.functions import Now

from earmark.library.errors import LibraryUnknownError
from earmark.library.models import AudioFile, AudioFileQuerySet, Library, Scan
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


def get_library(*, named: str) -> Library:
    """Return the library of a name, or the one whose folder this is.

    Raises
    ------
    LibraryUnknownError
        If there is none, or several of that name.
    """
    found = list(Library.objects.filter(name=named)[:2])
    if len(found) == 1:
        return found[0]
    place = find_library(Path(named).expanduser().resolve())
    if place is not None and not place.under:
        return place.library
    names = ", ".join(sorted(Library.objects.values_list("name", flat=True))) or "none yet"
    problem = (
        f"There are several libraries called {named!r}." if found else f"No library {named!r}."
    )
    raise LibraryUnknownError(problem, hint=f"Name its folder. Libraries: {names}.")


def list_libraries_due() -> list[Library]:
    """Return the libraries whose scan is due by their schedule and that have none open."""
    scans = Scan.objects.open().filter(library=OuterRef("pk"))
    due = Library.objects.filter(scan_due_at__lte=Now())
    return list(due.exclude(Exists(scans)).order_by("scan_due_at"))


def list_scanners() -> list[str]:
    """Return the workers that hold scans."""
    running = Scan.objects.filter(state=Scan.State.RUNNING)
    return sorted(running.values_list("worker", flat=True).distinct())


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
