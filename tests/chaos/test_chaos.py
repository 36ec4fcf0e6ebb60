"""A short run of the chaos test; `make chaos` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.tag_harness import REPOSITORY

# It starts a PostgreSQL of its own, so once is enough; the marker puts it into that round.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="tried on PostgreSQL: make test-postgres"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts a volume, which needs root"),
]


def test_a_run_through_all_faults_ends_as_a_quiet_one() -> None:
    size = ["--files", "40", "--poison", "2", "--faults", "9", "--pace", "0.05", "--hold", "0.3"]

    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *size, "--seed", "1", "--timeout", "120"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
