"""A second connection to the database that gets in the way of the first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction


@contextmanager
def elsewhere(first: Callable[[], object], second: Callable[[], object]) -> Iterator[None]:
    """Have another connection do one thing before the block, and the second while it runs."""
    begun = threading.Event()
    faults: list[Exception] = []

    def act() -> None:
        try:
            with transaction.atomic():
                first()
                begun.set()
                time.sleep(0.3)  # long enough for the block to get to the rows
                second()
        except OperationalError as error:
            faults.append(error)
        finally:
            begun.set()
            connection.close()

    other = threading.Thread(target=act)
    other.start()
    begun.wait()
    yield
    other.join()
    assert faults == []
