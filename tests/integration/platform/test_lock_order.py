"""Who changes rows of many files does not wait in a circle with others, or does it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from earmark.core.deadlocks import again_after_deadlock
from earmark.library.models import AudioFile, Library
from earmark.library.services import AudioFacts, lock_files, record_facts
from earmark.library.services.storing import store_excluded
from tests.factories import AudioFileFactory, LibraryFactory
from tests.two_connections import elsewhere

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="there one writes at a time"),
]

FACTS = AudioFacts(1.0, 8000, 1, "wav", "pcm_s16le")


@pytest.fixture
def library() -> Library:
    return LibraryFactory()


@pytest.fixture
def files(library: Library) -> tuple[int, int]:
    """Two files; the first lies behind the second, where the database comes to it later."""
    first, second = (AudioFileFactory(library=library).pk for _ in range(2))
    AudioFile.objects.filter(pk=first).update(size=1)
    return first, second


def lock(file_id: int) -> Callable[[], None]:
    return lambda: lock_files(file_ids=[file_id])


@pytest.mark.parametrize(
    "change",
    [
        store_excluded,
        lambda ids: record_facts(facts=dict.fromkeys(ids, FACTS)),
    ],
)
def test_rows_are_taken_in_one_order_wherever_they_lie(
    files: tuple[int, int], change: Callable[[list[int]], object]
):
    first, second = files
    with capture_logs() as told, elsewhere(lock(first), lock(second)):
        change([second, first])
    assert told == []  # no deadlock that was repaired


def test_work_that_was_ended_by_a_deadlock_is_done_again(files: tuple[int, int]):
    first, second = files
    tries: list[int] = []

    @again_after_deadlock
    @transaction.atomic
    def work() -> None:
        tries.append(len(tries))
        AudioFile.objects.filter(pk=second).update(size=7)
        AudioFile.objects.filter(pk=first).update(size=7)

    with elsewhere(lock(first), lock(second)):
        work()

    assert tries == [0, 1]
    assert list(AudioFile.objects.values_list("size", flat=True)) == [7, 7]
