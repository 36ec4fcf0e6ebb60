"""Fixtures of the `train` tests: an installation of its own, and sounds to learn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tag_harness import Installation, install_plugin
from tests.training_sounds import make_table


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of three classes."""
    return make_table(tmp_path_factory.mktemp("sounds"), per_class=6)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that the tests of a module share."""
    folder = tmp_path_factory.mktemp("installation")
    return Installation(
        folder / "data", install_plugin(folder / "plugins"), {"OMP_NUM_THREADS": "1"}
    ).with_database()
