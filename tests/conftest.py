"""What all tests share: throw-away databases, and their marker.

The suite runs on SQLite; everything that touches the database runs once more on PostgreSQL
(``EARMARK_TEST_DATABASE=postgres pytest -m django_db``, see the Makefile).
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.celery_harness import drop_empty_database, empty_database, server_of_run
from tests.once import run_folder
from tests.tag_harness import empty_data

_WITH_DATABASE = {Path(__file__).parent / name for name in ("integration", "chaos")}
"""Where the tests with a database are: the second round (see the Makefile) collects no others."""

_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences"})


# A suite that is started in the background is told to ignore Ctrl-C, and so would be every program
# that it starts, also those that are tried with Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Begin what the processes of this test run share; their database is gone at the end."""
    if not hasattr(config, "workerinput"):
        run_folder()
        config.add_cleanup(drop_empty_database)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses the database, so that none is left out of the second round."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & _DATABASE_FIXTURES and item.get_closest_marker("django_db") is None:
            item.add_marker(pytest.mark.django_db)
        if item.get_closest_marker("django_db") and _WITH_DATABASE.isdisjoint(item.path.parents):
            raise pytest.UsageError(f"{item.nodeid} uses a database: move it to tests/integration")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Begin with the file that lies there on SQLite: it is a copy of an empty database."""
    return server_of_run() is None


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """Begin with a copy of the empty database; SQLite's in a file, which children can open."""
    test = settings.DATABASES["default"].setdefault("TEST", {})
    server = server_of_run()
    if server is not None:
        test["TEMPLATE"] = empty_database(server)
        return
    folder: Path = tmp_path_factory.mktemp("database")
    test["NAME"] = str(folder / "earmark.sqlite3")
    shutil.copy(empty_data() / "earmark.sqlite3", test["NAME"])


@pytest.fixture
def data_dir(tmp_path: Path, settings: object) -> Path:
    """Return an empty data folder that the settings point to."""
    folder = tmp_path / "var"
    folder.mkdir()
    settings.DATA_DIR = folder  # type: ignore[attr-defined]
    return folder


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the database be emptied between tests: SQLite does it by DELETE, which logs refuse."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER IF EXISTS accounts_auditentry_no_DELETE")
