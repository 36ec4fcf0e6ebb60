"""Which names below a library's root are wanted: patterns, hidden names, system folders.

Patterns are those of ``.gitignore`` (pathspec reads them), with one difference: case is ignored,
because ``.WAV`` and ``.wav`` mean the same to the people who write them. Paths are bytes below the
root; a pattern sees them as path text (`earmark_files.paths`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pathspec import GitIgnoreSpec

from earmark_files.paths import path_to_text

AUDIO_EXTENSIONS = frozenset(
    b"aac aif aifc aiff au bwf caf flac m4a m4b mka mp2 mp3 oga ogg opus rf64 snd w64 wav wave "
    b"weba webm wma wv".split()
)

# Folders that operating systems and network storage put beside people's files; hidden ones
# (.Trashes, .snapshot, .Spotlight-V100) need no entry.
_SYSTEM_FOLDERS = frozenset(
    {
        b"#recycle",
        b"#snapshot",
        b"$recycle.bin",
        b"@eadir",
        b"@recently-snapshot",
        b"@recycle",
        b"@tmp",
        b"__macosx",
        b"lost+found",
        b"recycler",
        b"system volume information",
        b"~snapshot",
    }
)


class InvalidPatternError(ValueError):
    """A line that is no pattern.

    Attributes
    ----------
    code : str
        Always ``invalid_pattern``.
    line : str
        The line as it was given.
    """

    code = "invalid_pattern"

    def __init__(self, line: str) -> None:
        super().__init__(
            f"{line!r} is not a pattern; write one as in .gitignore, such as *.mp3 or /Old/."
        )
        self.line = line


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns of one library, ready to be asked.

    Attributes
    ----------
    include : GitIgnoreSpec or None
        A file is wanted only if this matches; None wants all.
    exclude : GitIgnoreSpec or None
        What matches is left out; a folder that matches is not entered.
    """

    include: GitIgnoreSpec | None = None
    exclude: GitIgnoreSpec | None = None

    @classmethod
    def of(cls, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> Self:
        """Read lines of patterns; empty ones and comments (``#``) count for nothing.

        Raises
        ------
        InvalidPatternError
        """
        return cls(_read(include), _read(exclude))

    def enters(self, folder: bytes) -> bool:
        """Say whether a folder, whose parents were entered, is to be looked into."""
        name = folder.rpartition(b"/")[2]
        if name.startswith(b".") or name.lower() in _SYSTEM_FOLDERS:
            return False
        return self.exclude is None or not self.exclude.match_file(f"{_shown(folder)}/")

    def takes(self, file: bytes) -> bool:
        """Say whether a file in a folder that was entered is wanted."""
        name = file.rpartition(b"/")[2]
        if name.startswith(b".") or not is_audio_name(name):
            return False
        if self.include is None and self.exclude is None:
            return True
        shown = _shown(file)
        if self.include is not None and not self.include.match_file(shown):
            return False
        return self.exclude is None or not self.exclude.match_file(shown)

    def reaches(self, folder: bytes) -> bool:
        """Say whether a folder and all those it lies in are entered; the root always is."""
        parts = folder.split(b"/") if folder else []
        return all(self.enters(b"/".join(parts[: end + 1])) for end in range(len(parts)))

    def leaves_out(self, file: bytes) -> bool:
        """Say whether a file is not wanted, or lies in a folder that is not entered."""
        return not self.takes(file) or not self.reaches(file.rpartition(b"/")[0])


EVERYTHING = Selection()
"""All sound files that are neither hidden nor a system's."""


def is_audio_name(name: bytes) -> bool:
    """Say whether a file name ends like those of sound files do, in any case."""
    return name.rpartition(b".")[2].lower() in AUDIO_EXTENSIONS and b"." in name


def _read(lines: Iterable[str]) -> GitIgnoreSpec | None:
    wanted = []
    for line in lines:
        try:
            spec = GitIgnoreSpec.from_lines([line.lower()])
        except ValueError as error:
            raise InvalidPatternError(line) from error
        if any(pattern.include is not None for pattern in spec.patterns):
            wanted.append(line.lower())
    return GitIgnoreSpec.from_lines(wanted) if wanted else None


def _shown(path: bytes) -> str:
    return path_to_text(path).lower()
