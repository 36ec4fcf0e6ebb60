"""Webhooks over the API: who may make them, and that a secret is seen once."""

from __future__ import annotations

from typing import Any

import pytest

from earmark.accounts.models import AuditEntry
from earmark.accounts.scopes import Scope
from earmark.core.models import StoredAnswer
from earmark.library.access import Role
from earmark.webhooks.models import Delivery, Webhook
from earmark.webhooks.services import create_webhook, queue_test
from tests.api_client import anonymous, make_user, signed_in, with_token
from tests.factories import LibraryFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks"
BODY = {"url": "https://studio.example/hook", "events": ["run.finished"]}


def test_a_manager_makes_a_webhook_and_sees_its_secret_once():
    library = LibraryFactory()
    client = with_token(make_user(Role.MANAGER, library), [Scope.ADMIN])

    made = client.post(URL, BODY | {"library": library.pk})

    assert made.status_code == 201
    secret = made.json()["secret"]
    assert Webhook.objects.get().secret == secret
    one = client.get(f"{URL}/{made.json()['id']}")
    assert one.json()["url"] == BODY["url"]
    for answer in (one, client.get(URL)):
        assert secret not in answer.content.decode()
    rotated = client.post(f"{URL}/{made.json()['id']}/secret").json()["secret"]
    assert rotated != secret
    assert Webhook.objects.get().secret == rotated
    log = str(list(AuditEntry.objects.filter(act="webhook_changed").values()))
    assert "created" in log
    assert secret not in log and rotated not in log


def test_the_answer_that_holds_the_secret_is_not_kept():
    library = LibraryFactory()
    client = with_token(make_user(Role.MANAGER, library), [Scope.ADMIN])

    made = client.post(URL, BODY | {"library": library.pk}, HTTP_IDEMPOTENCY_KEY="one")

    assert made.status_code == 201
    assert not StoredAnswer.objects.exists()


def test_a_webhook_is_changed_put_to_rest_and_removed():
    library = LibraryFactory()
    client = signed_in(make_user(Role.MANAGER, library))
    one = f"{URL}/{client.post(URL, BODY | {'library': library.pk}).json()['id']}"

    changed = client.patch(one, {"active": False, "events": ["scan.failed", "run.finished"]})

    assert changed.json()["active"] is False
    assert changed.json()["events"] == ["run.finished", "scan.failed"]
    assert client.patch(one, {"url": "http://user:pw@x.example/"}).status_code == 400
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_only_superusers_are_told_of_all_libraries():
    manager = signed_in(make_user(Role.MANAGER, LibraryFactory()))
    assert manager.post(URL, BODY).status_code == 403
    assert signed_in(make_user(superuser=True)).post(URL, BODY).json()["library"] is None
    assert manager.get(URL).json()["results"] == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.EDITOR])
def test_lower_roles_neither_make_nor_see_webhooks(role: Role):
    library = LibraryFactory()
    hook, _ = create_webhook(
        library=library, url=BODY["url"], events=BODY["events"], created_by=make_user()
    )
    client = signed_in(make_user(role, library))

    assert client.post(URL, BODY | {"library": library.pk}).status_code == 403
    assert client.get(URL).json()["results"] == []
    for method, path in [
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("post", "/test"),
        ("post", "/secret"),
        ("get", "/deliveries"),
    ]:
        assert getattr(client, method)(f"{URL}/{hook.pk}{path}").status_code == 404
        assert getattr(anonymous(), method)(f"{URL}/{hook.pk}{path}").status_code == 401


def test_a_test_is_queued_and_the_log_tells_what_became_of_it():
    hook, _ = create_webhook(
        library=None, url=BODY["url"], events=BODY["events"], created_by=make_user()
    )
    client = signed_in(make_user(superuser=True))

    answer = client.post(f"{URL}/{hook.pk}/test")

    assert (answer.status_code, answer.json()["event"]) == (202, "webhook.test")
    log = client.get(f"{URL}/{hook.pk}/deliveries").json()["results"]
    assert [one["id"] for one in log] == [answer.json()["id"]]
    assert log[0]["state"] == "queued"
    one = client.get(f"{URL}/{hook.pk}/deliveries/{log[0]['id']}")
    assert one.json() == log[0]
    other, _ = create_webhook(
        library=None, url=BODY["url"], events=BODY["events"], created_by=make_user()
    )
    queue_test(webhook=other)
    foreign = Delivery.objects.get(webhook=other)
    assert client.get(f"{URL}/{hook.pk}/deliveries/{foreign.pk}").status_code == 404
    assert client.post(f"{URL}/{hook.pk}/deliveries/{foreign.pk}/redeliver").status_code == 404


def test_a_message_that_was_given_up_is_sent_again_on_request():
    library = LibraryFactory()
    hook, _ = create_webhook(
        library=library, url=BODY["url"], events=BODY["events"], created_by=make_user()
    )
    delivery = queue_test(webhook=hook)
    client = signed_in(make_user(Role.MANAGER, library))
    again = f"{URL}/{hook.pk}/deliveries/{delivery.pk}/redeliver"
    over = {"state": "failed", "error_code": "timed_out", "next_try_at": None}
    Delivery.objects.update(**over, finished_at=delivery.created_at, event="run.finished")
    Webhook.objects.update(active=False)
    refused = client.post(again)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_redeliverable")
    Webhook.objects.update(active=True)

    answer = client.post(again)

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert AuditEntry.objects.filter(details__what="sent again").count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "file:///etc/passwd"},
        {"url": "https://x.example/\r\nHost: y"},
        {"events": []},
        {"events": ["run.odd"]},
        {"library": 10**30},
        {"url": None},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]):
    answer = signed_in(make_user(superuser=True)).post(URL, BODY | wrong)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_input", "invalid_webhook"}
