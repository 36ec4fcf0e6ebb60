"""Workers bring the index up to date without being asked."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from earmark.library.models import AudioFile
from earmark.library.services import request_scan
from earmark.search.models import SearchChange, SearchDocument
from earmark.settings.queues import SCAN
from earmark_workers.pipeline import upkeep
from earmark_workers.pipeline.upkeep import follow_changes
from earmark_workers.tasks import tick


@pytest.mark.django_db
def test_the_clock_takes_up_what_has_changed(add: Callable[..., AudioFile]) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    follow_changes()
    assert SearchDocument.objects.filter(file_id=file.pk).exists()
    assert not SearchChange.objects.exists()


@pytest.mark.django_db
def test_ticks_that_had_to_wait_do_not_keep_others_waiting(
    add: Callable[..., AudioFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_followed_at", -math.inf)
    add("Rain.wav")
    tick()
    assert not SearchChange.objects.exists()

    add("Hail.wav")
    tick()
    assert SearchChange.objects.exists()


@pytest.mark.django_db
def test_a_fault_of_the_indexer_keeps_no_work_from_workers(
    add: Callable[..., AudioFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[str] = []
    monkeypatch.setattr(upkeep, "_followed_at", -math.inf)
    monkeypatch.setattr(upkeep, "send_hint", hints.append)
    request_scan(library=add("Rain.wav").library)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE search_documentterms RENAME TO search_gone")
    tick()
    assert hints == [SCAN]


@pytest.mark.django_db
def test_a_tick_with_nothing_to_do_asks_the_database_little(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tick()  # makes the row by which one indexer at a time is at work
    monkeypatch.setattr(upkeep, "_followed_at", -math.inf)
    with django_assert_max_num_queries(35):
        tick()
