"""Fixtures of the tests with Celery: real Redis, real worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Redis, private_redis


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Redis]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with private_redis(folder) as server:
        yield server
