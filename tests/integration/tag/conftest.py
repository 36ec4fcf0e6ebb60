"""Fixtures of the `tag` tests: an installation is made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tag_harness import Installation, install_plugin


@pytest.fixture(scope="session")
def prepared_installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation whose database is made."""
    folder = tmp_path_factory.mktemp("installation")
    return Installation(folder / "data", install_plugin(folder / "plugins")).with_database()


@pytest.fixture
def installation(prepared_installation: Installation, tmp_path: Path) -> Installation:
    """An independent installation, with the test classifier."""
    data = tmp_path / "data"
    shutil.copytree(prepared_installation.data, data)
    return Installation(data, prepared_installation.plugins)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """An empty folder for sounds."""
    folder = tmp_path / "library"
    folder.mkdir()
    return folder
