"""What all tests share: throw-away databases, and their marker.

The suite runs on SQLite; everything that touches the database runs once more on PostgreSQL
(``EARMARK_TEST_DATABASE=postgres pytest -m django_db``, see the Makefile).
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from django.conf import settings

_WITH_DATABASE = {Path(__file__).parent / name for name in ("integration", "chaos")}
"""Where the tests with a database are: the second round (see the Makefile) collects no others."""

_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences"})


# A suite that is started in the background is told to ignore Ctrl-C, and so would be every program
# that it starts, also those that are tried with Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses the database, so that none is left out of the second round."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & _DATABASE_FIXTURES and item.get_closest_marker("django_db") is None:
            item.add_marker(pytest.mark.django_db)
        if item.get_closest_marker("django_db") and _WITH_DATABASE.isdisjoint(item.path.parents):
            raise pytest.UsageError(f"{item.nodeid} uses a database: move it to tests/integration")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Keep the SQLite database in a file of this test process, where children can open it."""
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        folder: Path = tmp_path_factory.mktemp("database")
        database.setdefault("TEST", {})["NAME"] = str(folder / "earmark.sqlite3")


@pytest.fixture
def data_dir(tmp_path: Path, settings: object) -> Path:
    """Return an empty data folder that the settings point to."""
    folder = tmp_path / "var"
    folder.mkdir()
    settings.DATA_DIR = folder  # type: ignore[attr-defined]
    return folder
