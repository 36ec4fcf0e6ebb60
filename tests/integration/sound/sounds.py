"""Sounds in a library, and where they are in the API."""

from __future__ import annotations

import os
from pathlib import Path

from earmark.library.models import AudioFile, Library
from earmark_files.paths import path_to_text
from tests.factories import AudioFileFactory


def add(library: Library, path: Path, **values: object) -> AudioFile:
    relative = path_to_text(path.relative_to(Path(os.fsdecode(library.root))))
    return AudioFileFactory(library=library, path=relative, **values)


def address(file: AudioFile, what: str = "audio") -> str:
    return f"/api/v1/files/{file.pk}/{what}"
