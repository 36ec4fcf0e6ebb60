"""A library of some files, and somebody who may change them all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from earmark.exchange.bulk import working
from earmark.library.access import Role
from earmark.library.models import Library
from earmark.library.services import register_library
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Five files that nobody has listened to."""
    library = register_library(root=tmp_path, trusted=True)
    AudioFileFactory.create_batch(5, library=library)
    return library


@pytest.fixture
def anna(library: Library) -> User:
    return make_user(Role.EDITOR, library)


@pytest.fixture
def client(anna: User) -> APIClient:
    return signed_in(anna)


@pytest.fixture
def slices_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "SLICE", 2)
