"""The queue over HTTP: who may do what, and what comes of it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from earmark.accounts.scopes import Scope
from earmark.classifiers.models import ClassifierVersion
from earmark.library.access import Role
from earmark.library.models import Library, LibraryRole
from earmark.review.models import Decision, ReviewItem
from earmark.tagging.models import Tag
from tests.api_client import make_user, signed_in, with_token
from tests.factories import LibraryFactory
from tests.review_queue import BELL, DOG, unsure_of

pytestmark = pytest.mark.django_db

API = "/api/v1/review"


@pytest.fixture
def items(library: Library, classifier: ClassifierVersion) -> list[ReviewItem]:
    """Three dogs, perhaps, that sound the same."""
    return unsure_of(library, classifier, number=3, angle=1.0)


def client(library: Library, role: Role = Role.REVIEWER) -> APIClient:
    return signed_in(make_user(role, library))


def test_a_reviewer_takes_the_next_item_holds_it_decides_and_takes_it_back(
    library: Library, items: list[ReviewItem]
):
    anna, ben = client(library), client(library)

    [held] = anna.post(f"{API}/items/next", {"label": DOG}).json()
    assert (held["id"], held["name"], held["attempt"]) == (items[0].pk, DOG, 1)
    [other] = ben.post(f"{API}/items/next").json()
    assert other["id"] == items[1].pk
    assert ben.post(f"{API}/items/{held['id']}/lease").status_code == 409

    hold = {"attempt": held["attempt"]}
    assert anna.post(f"{API}/items/{held['id']}/heartbeat", hold).status_code == 200
    assert ben.post(f"{API}/items/{held['id']}/heartbeat", hold).json()["code"] == "lease_lost"
    word = {"item": held["id"], "action": "replace", "words": ["Fox"], "comment": "look", **hold}
    answer = anna.post(f"{API}/decisions", word)
    assert (answer.status_code, answer.json()["words"]) == (201, ["Fox"])
    assert Tag.objects.filter(file=held["file"], name="Fox", decision="accept").exists()
    assert anna.post(f"{API}/decisions", word).json()["code"] == "item_closed"

    undo = f"{API}/decisions/{answer.json()['id']}/undo"
    assert ben.post(undo).json()["code"] == "not_yours"
    assert anna.post(undo).json()["undoes"] == answer.json()["id"]
    assert not Tag.objects.filter(file=held["file"], name="Fox").exists()
    log = anna.get(f"{API}/decisions", {"item": held["id"]}).json()["results"]
    assert [row["action"] for row in log] == ["undo", "replace"]


def test_an_item_can_be_taken_by_itself_and_given_back(library: Library, items: list[ReviewItem]):
    anna, ben = client(library), client(library)

    held = anna.post(f"{API}/items/{items[2].pk}/lease").json()
    assert held["id"] == items[2].pk
    released = anna.post(f"{API}/items/{held['id']}/release", {"attempt": held["attempt"]})
    assert released.status_code == 204
    assert ben.post(f"{API}/items/{held['id']}/lease").status_code == 200


def test_the_list_is_in_the_order_of_the_queue_and_pages_never_repeat(
    library: Library, items: list[ReviewItem], classifier: ClassifierVersion
):
    unsure_of(library, classifier, BELL, score=0.249)
    asker = client(library, Role.VIEWER)

    first = asker.get(f"{API}/items", {"state": "open", "page_size": 2}).json()
    second = asker.get(first["next"]).json()

    names = [row["name"] for row in (*first["results"], *second["results"])]
    assert names == [BELL, DOG, DOG, DOG]
    assert second["next"] is None
    for query in ({"label": BELL}, {"classifier": "nobody"}, {"folder": "no"}, {"kind": "band"}):
        found = asker.get(f"{API}/items", query).json()["results"]
        assert len(found) == {"label": 1, "kind": 4}.get(next(iter(query)), 0)


def test_a_reviewer_sees_why_and_what_is_alike_but_not_what_others_said(
    library: Library, items: list[ReviewItem]
):
    ReviewItem.objects.update(wanted=2)
    anna, ben = client(library), client(library)
    anna.post(f"{API}/decisions", {"item": items[0].pk, "action": "reject"})

    told = ben.get(f"{API}/items/{items[0].pk}").json()
    assert told["item"]["verdict"] == ""
    assert ben.get(f"{API}/decisions").json()["results"] == []
    assert len(anna.get(f"{API}/decisions").json()["results"]) == 1
    told = ben.get(f"{API}/items/{items[1].pk}").json()
    assert told["why"][0] == DOG
    assert (told["start"], told["alike"], len(told["neighbours"])) == (0.0, 3, 2)


def test_a_batch_is_seen_before_decided_at_once_and_taken_back_at_once(
    library: Library, items: list[ReviewItem]
):
    anna = client(library)
    elsewhere = LibraryFactory()

    preview = anna.post(f"{API}/decisions/preview", {"item": items[0].pk}).json()
    ids = [row["id"] for row in preview["items"]]
    assert (ids, preview["held"]) == ([item.pk for item in items], 0)
    assert not Decision.objects.exists()

    word = {"items": [*ids, 10**9], "action": "reject"}
    again = {"HTTP_IDEMPOTENCY_KEY": "once"}
    batch = anna.post(f"{API}/decisions/batch", word, **again).json()
    assert anna.post(f"{API}/decisions/batch", word, **again).json() == batch
    assert len(batch["decisions"]) == 3
    assert [row["code"] for row in batch["left_out"]] == ["item_unknown"]

    undo = f"{API}/decisions/batch/{batch['batch']}/undo"
    assert client(elsewhere).post(undo).status_code == 404
    assert client(library).post(undo).status_code == 403
    assert len(client(library, Role.EDITOR).post(undo).json()) == 3
    assert ReviewItem.objects.open().count() == 3


def test_a_batch_is_not_taken_back_in_a_library_that_one_was_shut_out_of(
    library: Library, items: list[ReviewItem], classifier: ClassifierVersion
):
    other = LibraryFactory()
    user = make_user(Role.REVIEWER, library)
    role = LibraryRole.objects.create(user=user, library=other, role=Role.REVIEWER)
    anna = signed_in(user)
    ids = [items[0].pk, unsure_of(other, classifier)[0].pk]
    batch = anna.post(f"{API}/decisions/batch", {"items": ids, "action": "reject"}).json()["batch"]
    undo = f"{API}/decisions/batch/{batch}/undo"

    role.delete()
    assert anna.post(undo).status_code == 403
    assert ReviewItem.objects.filter(pk__in=ids, state="decided").count() == 2

    LibraryRole.objects.create(user=user, library=other, role=Role.REVIEWER)
    assert len(anna.post(undo).json()) == 2


def test_what_may_not_be_seen_is_not_there_and_what_may_not_be_done_is_refused(
    library: Library, items: list[ReviewItem]
):
    stranger, viewer = client(LibraryFactory()), client(library, Role.VIEWER)
    word = {"item": items[0].pk, "action": "accept"}

    assert stranger.get(f"{API}/items").json()["results"] == []
    assert stranger.get(f"{API}/items/{items[0].pk}").status_code == 404
    assert stranger.post(f"{API}/decisions", word).status_code == 404
    assert stranger.post(f"{API}/items/next", {"library": library.pk}).status_code == 404
    assert viewer.get(f"{API}/items/{items[0].pk}").status_code == 200
    assert viewer.post(f"{API}/decisions", word).status_code == 403
    assert viewer.post(f"{API}/items/next").json() == []
    ids = {"items": [items[0].pk], "action": "accept"}
    assert [
        row["code"] for row in viewer.post(f"{API}/decisions/batch", ids).json()["left_out"]
    ] == ["item_unknown"]
    reader = with_token(make_user(Role.MANAGER, library), [Scope.READ])
    assert reader.post(f"{API}/decisions", word).status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ({"action": "replace"}, "invalid_decision"),
        ({"action": "accept", "words": ["x"]}, "invalid_decision"),
        ({"action": "add", "words": ["a, b"]}, "invalid_tags"),
        ({"action": "undo"}, "invalid_input"),
        ({"action": "accept", "attempt": 7}, "lease_lost"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    library: Library, items: list[ReviewItem], word: dict[str, object], code: str
):
    answer = client(library).post(f"{API}/decisions", {"item": items[0].pk, **word})

    assert answer.json()["code"] == code
    assert answer.status_code in (400, 409)


async def collect(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


def test_figures_thresholds_and_training_data_are_told(library: Library, items: list[ReviewItem]):
    anna = client(library)
    anna.post(f"{API}/decisions", {"item": items[0].pk, "action": "accept"})

    stats = anna.get(f"{API}/stats", {"library": library.pk}).json()
    assert stats["items"]["open"]["band"] == 2
    assert (stats["labels"][0]["label"], stats["labels"][0]["right"]) == ("Dog", 1)
    [told] = anna.get(f"{API}/thresholds", {"precision": 0.8}).json()
    assert (told["suggested"], told["reason"]) == (None, "too_few_decisions")
    export = anna.get(f"{API}/export", HTTP_ACCEPT="text/csv")
    assert export["Content-Type"] == "text/csv"
    text = async_to_sync(collect)(export.streaming_content).decode()
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["label"], row["path"].endswith(items[0].file.path)) == (DOG, True)
    other = LibraryFactory()
    for name in ("stats", "thresholds", "export"):
        assert anna.get(f"{API}/{name}", {"library": other.pk}).status_code == 404


def test_decisions_are_imported_from_a_table_row_by_row(library: Library, items: list[ReviewItem]):
    anna = client(library)
    one, two, three = items
    table = (
        "file,label,decision,words,comment\n"
        f"{one.file_id},Dog,accept,,\n"
        f"{two.file.path},Dog,replace,Fox; Growl,seen\n"
        f"{three.file.location},Dog,maybe,,\n"
        f"{three.file.location},Cat,accept,,\n"
        f"{10**30},Dog,accept,,\n"
    )

    trial = anna.post(f"{API}/decisions/import", {"table": table, "dry_run": True}).json()
    assert (trial["decided"], len(trial["errors"])) == (2, 3)
    assert not Decision.objects.exists()

    done = anna.post(f"{API}/decisions/import", {"table": table}).json()
    assert [(row["line"], row["code"]) for row in done["errors"]] == [
        (4, "invalid_decision"),
        (5, "item_unknown"),
        (6, "item_unknown"),
    ]
    assert Decision.objects.get(item=two).words == ["Fox", "Growl"]
    undone = anna.post(f"{API}/decisions/batch/{done['batch']}/undo").json()
    assert len(undone) == 2
    for text in ("", "a,b\n1,2\n", "file,label,decision\n" + "\x00"):
        answer = anna.post(f"{API}/decisions/import", {"table": text})
        assert answer.status_code in (200, 400)
    too_long = "file,label,decision\n" + "1,Dog,accept\n" * 201
    answer = anna.post(f"{API}/decisions/import", {"table": too_long})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_table")
    assert (
        client(LibraryFactory()).post(f"{API}/decisions/import", {"table": table}).json()["decided"]
        == 0
    )


def test_the_queue_asks_the_database_no_more_for_more_items(
    library: Library,
    items: list[ReviewItem],
    classifier: ClassifierVersion,
    django_assert_max_num_queries: object,
):
    unsure_of(library, classifier, BELL, number=8)
    anna = client(library)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        assert len(anna.get(f"{API}/items").json()["results"]) == 11
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert len(anna.post(f"{API}/items/next", {"limit": 10}).json()) == 10


def test_a_path_in_a_table_takes_few_queries_however_deep_it_is(
    library: Library, django_assert_max_num_queries: Callable[..., AbstractContextManager[object]]
):
    anna = client(library)
    deep = "/a" * 300
    table = f"file,label,decision\n{deep},Dog,accept\n{deep * 100},Dog,accept\n"

    with django_assert_max_num_queries(30):
        told = anna.post(f"{API}/decisions/import", {"table": table}).json()

    assert [row["code"] for row in told["errors"]] == ["item_unknown"] * 2
