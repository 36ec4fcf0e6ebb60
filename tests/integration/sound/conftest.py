"""A library with a sound, and who may hear it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from earmark.library.models import AudioFile
from earmark_files.paths import path_to_text
from tests.api_client import make_user, with_token
from tests.factories import LibraryFactory
from tests.integration.sound.sounds import add
from tests.tag_harness import sine


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def library(root: Path, data_dir: Path):
    return LibraryFactory(root=path_to_text(root))


@pytest.fixture
def client() -> APIClient:
    return with_token(make_user(superuser=True))


@pytest.fixture
def file(root: Path, library) -> AudioFile:
    return add(library, sine(root / "tone.wav", seconds=20))


@pytest.fixture
def no_descriptor_is_left_open() -> Iterator[None]:
    """Every answer closes its file, also those nobody reads."""
    yield
    held = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert [name for name in held if "/sounds/" in name] == []
