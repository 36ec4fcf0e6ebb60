"""What webhooks are told, once each, in which form, and what happens when nobody answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from earmark.jobs.models import RunEvent
from earmark.jobs.services import cancel_run
from earmark.library.models import Library, Scan
from earmark.webhooks import courier, selectors, services
from earmark.webhooks.errors import InvalidWebhookError, NotRedeliverableError
from earmark.webhooks.models import Delivery, Event, Webhook
from earmark.webhooks.selectors import list_due_deliveries
from earmark.webhooks.services import (
    KEPT,
    WAITS,
    create_webhook,
    prune_deliveries,
    queue_deliveries,
    queue_test,
    redeliver,
    send_due,
    update_webhook,
)
from earmark_workers.pipeline.upkeep import sweep
from tests.api_client import make_user
from tests.factories import JobFactory, LibraryFactory, RunFactory
from tests.webhook_receiver import Receiver, receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio(settings: Any) -> Iterator[Receiver]:
    """A receiver on this machine that webhooks may reach."""
    settings.EARMARK_WEBHOOK_ALLOW_PRIVATE = ["127.0.0.1"]
    with receiver() as told:
        yield told


def webhook(url: str, library: Library | None = None, *events: str) -> Webhook:
    made, _ = create_webhook(
        library=library, url=url, events=events or Event.values, created_by=make_user()
    )
    return made


def due_again() -> None:
    Delivery.objects.filter(state="queued").update(next_try_at=timezone.now() - timedelta(hours=1))


def test_a_message_says_what_happened_and_is_signed(studio: Receiver):
    hook = webhook(studio.url)
    job = JobFactory()
    cancel_run(run=job.run)

    assert courier.deliver_once() == 1

    path, headers, body = studio.requests[0]
    message = json.loads(body)
    assert path == "/hook"
    assert headers["X-Earmark-Event"] == message["event"] == "run.cancelled"
    assert message["library"] == {"id": job.run.library_id, "name": job.run.library.name}
    assert message["run"]["jobs"]["cancelled"] == 1
    signature = dict(part.split("=") for part in headers["X-Earmark-Signature"].split(","))
    signed = f"{signature['t']}.".encode() + body
    assert signature["v1"] == hmac.new(hook.secret.encode(), signed, hashlib.sha256).hexdigest()
    assert abs(int(signature["t"]) - time.time()) < 60
    delivery = Delivery.objects.get()
    assert headers["X-Earmark-Delivery"] == str(delivery.pk)
    assert (delivery.state, delivery.http_status, delivery.attempts) == ("delivered", 200, 1)


def test_nothing_is_told_twice_and_nothing_that_becomes_visible_late_is_missed(studio: Receiver):
    hook = webhook(studio.url)
    run = RunFactory()
    RunEvent.objects.create(run=run, kind="submitted")
    assert queue_deliveries() == 1
    Webhook.objects.update(seen_until=timezone.now())
    late = RunEvent.objects.create(run=run, kind="finished")
    RunEvent.objects.filter(pk=late.pk).update(created_at=hook.told_from + timedelta(seconds=0.001))

    assert queue_deliveries() == 1
    assert queue_deliveries() == 0
    send_due()
    assert send_due() == 0
    assert sorted(headers["X-Earmark-Event"] for _, headers, _ in studio.requests) == [
        "run.finished",
        "run.submitted",
    ]


def test_what_happened_while_nobody_delivered_is_all_told_however_much_it_is(
    studio: Receiver, monkeypatch: pytest.MonkeyPatch
):
    for module in (selectors, services):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    then = timezone.now() - timedelta(hours=5)
    webhook(studio.url)
    Webhook.objects.update(told_from=then, seen_until=then)
    run = RunFactory()
    for _ in range(5):
        RunEvent.objects.create(run=run, kind="submitted")
    RunEvent.objects.update(created_at=then + timedelta(hours=1))

    assert [queue_deliveries() for _ in range(4)] == [2, 2, 1, 0]
    assert Delivery.objects.count() == 5


def test_a_webhook_is_told_of_its_library_and_its_events_only(studio: Receiver):
    library = LibraryFactory()
    webhook(studio.url, library, Event.RUN_FINISHED)
    for run in (RunFactory(library=library), RunFactory()):
        RunEvent.objects.create(run=run, kind="submitted")
        RunEvent.objects.create(run=run, kind="succeeded")
        RunEvent.objects.create(run=run, kind="finished")

    queue_deliveries()

    (delivery,) = Delivery.objects.all()
    message = json.loads(delivery.body)
    assert (message["event"], message["library"]["id"]) == ("run.finished", library.pk)


def test_scans_are_told_when_they_are_over(studio: Receiver):
    library = LibraryFactory()
    webhook(studio.url, library, Event.SCAN_FAILED)
    for state in (Scan.State.SUCCEEDED, Scan.State.FAILED):
        Scan.objects.create(
            library=library, state=state, error_code="library_offline", finished_at=timezone.now()
        )

    queue_deliveries()

    (delivery,) = Delivery.objects.all()
    scan = json.loads(delivery.body)["scan"]
    assert (scan["state"], scan["error_code"]) == ("failed", "library_offline")


def test_what_happened_before_or_while_it_was_at_rest_is_never_told(studio: Receiver):
    run = RunFactory()
    RunEvent.objects.create(run=run, kind="submitted")
    RunEvent.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    hook = webhook(studio.url)
    assert queue_deliveries() == 0
    update_webhook(webhook=hook, active=False)
    event = RunEvent.objects.create(run=run, kind="paused")
    assert queue_deliveries() == 0
    RunEvent.objects.filter(pk=event.pk).update(created_at=timezone.now())
    update_webhook(webhook=hook, active=True)
    assert queue_deliveries() == 0
    event = RunEvent.objects.create(run=run, kind="resumed")
    RunEvent.objects.filter(pk=event.pk).update(created_at=timezone.now())
    assert queue_deliveries() == 1


def test_a_failure_is_tried_again_later_and_given_up_at_last(studio: Receiver):
    studio.status = 503
    queue_test(webhook=webhook(studio.url))
    for attempt in range(1, len(WAITS) + 2):
        assert send_due() == 1
        delivery = Delivery.objects.get()
        assert (delivery.attempts, delivery.error_code) == (attempt, "answered")
        if attempt <= len(WAITS):
            assert delivery.next_try_at is not None
            wait = delivery.next_try_at - timezone.now()
            assert abs(wait - WAITS[attempt - 1]) < timedelta(seconds=20)
            assert send_due() == 0
            due_again()
    assert (delivery.state, delivery.http_status, delivery.next_try_at) == ("failed", 503, None)
    due_again()
    assert send_due() == 0


def test_a_later_try_can_succeed(studio: Receiver):
    studio.status = 500
    queue_test(webhook=webhook(studio.url))
    send_due()
    studio.status = 204
    due_again()
    send_due()

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.http_status, delivery.error_code) == ("delivered", 204, "")
    first, second = (headers["X-Earmark-Delivery"] for _, headers, _ in studio.requests)
    assert first == second


def test_an_address_that_is_not_public_is_refused_when_it_is_delivered(
    studio: Receiver, settings: Any
):
    settings.EARMARK_WEBHOOK_ALLOW_PRIVATE = []
    for host in ("127.0.0.1", "localhost", "[::1]", "0"):
        queue_test(webhook=webhook(f"http://{host}:{studio.port}/hook"))

    assert send_due() == 4

    assert studio.requests == []
    assert set(Delivery.objects.values_list("error_code", flat=True)) == {"address_refused"}


def test_a_delivery_that_another_worker_has_claimed_is_left_to_it(studio: Receiver):
    delivery = queue_test(webhook=webhook(studio.url))
    seen = list(list_due_deliveries())
    Delivery.objects.update(attempts=1)

    from earmark.webhooks.services import _claim, _record

    assert [_claim(one) for one in seen] == [False]
    _record(delivery, 200)
    assert Delivery.objects.get().state == Delivery.State.QUEUED


def test_what_a_dying_worker_was_about_to_send_is_due_again(studio: Receiver):
    from earmark.webhooks.services import _claim

    delivery = queue_test(webhook=webhook(studio.url))
    assert _claim(delivery)
    assert send_due() == 0
    due_again()
    assert send_due() == 1
    assert Delivery.objects.get().state == Delivery.State.DELIVERED


def test_a_resting_webhook_gets_nothing_but_tests(studio: Receiver):
    hook = webhook(studio.url)
    RunEvent.objects.create(run=RunFactory(), kind="submitted")
    queue_deliveries()
    update_webhook(webhook=hook, active=False)
    queue_test(webhook=hook)

    assert send_due() == 1
    assert studio.requests[0][1]["X-Earmark-Event"] == "webhook.test"


def test_the_log_forgets_what_is_long_over(studio: Receiver):
    hook = webhook(studio.url)
    queue_test(webhook=hook)
    send_due()
    queue_test(webhook=hook)
    Delivery.objects.update(created_at=timezone.now() - KEPT - timedelta(days=1))

    assert prune_deliveries() == 1
    assert Delivery.objects.get().state == Delivery.State.QUEUED


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("ftp://x.example/", ["run.finished"]),
        ("https://x.example/", ["run.odd"]),
        ("https://x.example/", []),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, events: list[str]):
    with pytest.raises(InvalidWebhookError):
        create_webhook(library=None, url=url, events=events, created_by=make_user())


@pytest.mark.django_db(transaction=True)
def test_whoever_looks_after_things_starts_to_deliver(
    studio: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courier, "PAUSE_S", 0.05)
    sweep()
    assert courier._thread is None or not courier._thread.is_alive()
    hook = webhook(studio.url)
    queue_test(webhook=hook)
    sweep()
    deadline = time.monotonic() + 10
    while not studio.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(studio.requests) == 1
    assert courier._thread is not None
    Webhook.objects.all().delete()
    courier._thread.join(10)
    assert not courier._thread.is_alive()


def test_a_message_of_the_log_is_sent_again_as_it_was_with_all_its_tries(studio: Receiver):
    queue_test(webhook=webhook(studio.url))
    send_due()
    delivery = Delivery.objects.get()
    assert delivery.state == "delivered"

    again = redeliver(delivery=delivery)
    assert (again.state, again.finished_at) == ("queued", None)
    studio.status = 503
    for _ in range(len(WAITS)):
        send_due()
        assert Delivery.objects.get().state == "queued"
        due_again()
    send_due()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("failed", len(WAITS) + 2)
    messages = {(body, headers["X-Earmark-Delivery"]) for _, headers, body in studio.requests}
    assert len(messages) == 1
    assert len(studio.requests) == len(WAITS) + 2


def test_a_message_that_waits_for_its_next_try_is_sent_at_once(studio: Receiver):
    studio.status = 503
    queue_test(webhook=webhook(studio.url))
    send_due()
    studio.status = 200
    assert send_due() == 0

    redeliver(delivery=Delivery.objects.get())

    assert send_due() == 1
    assert Delivery.objects.get().state == "delivered"


def test_a_message_is_not_sent_again_while_its_webhook_rests(studio: Receiver):
    told = webhook(studio.url)
    run = RunFactory()
    RunEvent.objects.create(run=run, kind="resumed")
    queue_deliveries()
    send_due()
    update_webhook(webhook=told, active=False)

    with pytest.raises(NotRedeliverableError, match="at rest"):
        redeliver(delivery=Delivery.objects.get())
