"""Many reviewers at once never hold one item. Real threads, real connections."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from earmark.review.errors import ReviewError
from earmark.review.models import Decision, ReviewItem
from earmark.review.selectors import list_items
from earmark.review.services import Word, decide, lease_items, undo_decision
from earmark.tagging.models import TagChange
from tests.review_queue import unsure_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("log_can_be_emptied"),
]


def together(number: int, work: object) -> None:
    """Let so many threads, each with a connection of its own, begin at one moment."""
    begin = threading.Barrier(number)
    failures: list[BaseException] = []

    def run(name: str) -> None:
        try:
            begin.wait(timeout=20)
            work(name)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - told below, in the thread of the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[f"reviewer {n}"]) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failures


def test_no_item_is_given_to_two_reviewers(library: Library, classifier: ClassifierVersion):
    unsure_of(library, classifier, number=120)
    given: list[tuple[str, int]] = []

    def work(reviewer: str) -> None:
        mine: set[int] = set()
        while True:
            items = lease_items(items=list_items(), reviewer=reviewer, limit=len(mine) + 3)
            if {item.pk for item in items} <= mine:
                break
            mine |= {item.pk for item in items}
        given.extend((reviewer, pk) for pk in mine)

    together(4, work)

    counted = Counter(pk for _, pk in given)
    assert len(counted) == 120
    assert set(counted.values()) == {1}
    for reviewer, pk in given:
        assert ReviewItem.objects.get(pk=pk).holder == reviewer


def test_one_of_many_who_decide_at_once_decides(library: Library, classifier: ClassifierVersion):
    [item] = unsure_of(library, classifier)

    def work(reviewer: str) -> None:
        try:
            decide(item_id=item.pk, reviewer=reviewer, word=Word("accept"))
        except ReviewError as error:
            assert error.code == "item_closed"

    together(4, work)

    assert Decision.objects.count() == TagChange.objects.count() == 1


def test_one_of_many_who_take_back_at_once_does(library: Library, classifier: ClassifierVersion):
    [item] = unsure_of(library, classifier)
    decision = decide(item_id=item.pk, reviewer="anna", word=Word("accept"))

    def work(reviewer: str) -> None:
        try:
            undo_decision(decision_id=decision.pk, reviewer=reviewer)
        except ReviewError as error:
            assert error.code == "nothing_to_undo"

    together(4, work)

    assert Decision.objects.filter(undoes=decision).count() == 1
    item.refresh_from_db()
    assert item.state == "open"
