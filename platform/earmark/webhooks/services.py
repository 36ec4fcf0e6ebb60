"""Makes webhooks, finds out what they are to be told, and tells it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act
from earmark.library.models import Library
from earmark.webhooks import signing
from earmark.webhooks.addresses import allowed_networks
from earmark.webhooks.errors import (
    DeliveryFailedError,
    InvalidWebhookError,
    NotRedeliverableError,
)
from earmark.webhooks.models import TEST_EVENT, Delivery, Event, Webhook
from earmark.webhooks.selectors import (
    MOST_AT_ONCE,
    Occurrence,
    list_due_deliveries,
    list_occurrences,
)
from earmark.webhooks.sending import LIMIT_S, parse_url, send

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Deliveries sent at the same time; a receiver that keeps silent holds up no others for long."""

_RESERVED = timedelta(seconds=6 * LIMIT_S)
"""For so long a delivery belongs to who has claimed it; looking up a name may take its time too."""

WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 7200, 21_600, 43_200))
"""Between the tries of a delivery: eight in about a day."""

_LOOKS_NOTED_EVERY = timedelta(minutes=5)
"""A look that finds nothing writes nothing; the next one goes a little further back for it."""

KEPT = timedelta(days=30)
"""How long the log of deliveries goes back."""


@transaction.atomic
def create_webhook(
    *, library: Library | None, url: str, events: Collection[str], created_by: User
) -> tuple[Webhook, str]:
    """Return a new webhook, and its secret: nobody will see that again.

    Raises
    ------
    InvalidWebhookError
        If the address or an event makes no sense.
    """
    secret = signing.make_secret()
    webhook = Webhook.objects.create(
        library=library,
        url=_checked_url(url),
        events=_checked_events(events),
        secret=secret,
        created_by=created_by,
    )
    webhook.refresh_from_db()
    _note(webhook, "created")
    return webhook, secret


@transaction.atomic
def update_webhook(
    *,
    webhook: Webhook,
    url: str | None = None,
    events: Collection[str] | None = None,
    active: bool | None = None,
) -> Webhook:
    """Change what is named. What happens while a webhook is not active it is never told.

    Raises
    ------
    InvalidWebhookError
        If the address or an event makes no sense.
    """
    if url is not None:
        webhook.url = _checked_url(url)
    if events is not None:
        webhook.events = _checked_events(events)
    if active and not webhook.active:
        webhook.told_from = webhook.seen_until = timezone.now()
    if active is not None:
        webhook.active = active
    webhook.save(update_fields=["url", "events", "active", "told_from", "seen_until"])
    _note(webhook, "changed")
    return webhook


@transaction.atomic
def rotate_secret(*, webhook: Webhook) -> str:
    """Give a webhook a new secret and return it; the old one signs nothing any more."""
    webhook.secret = signing.make_secret()
    webhook.save(update_fields=["secret"])
    _note(webhook, "secret")
    return webhook.secret


@transaction.atomic
def delete_webhook(*, webhook: Webhook) -> None:
    """Remove a webhook with its log."""
    _note(webhook, "deleted")
    webhook.delete()


def queue_test(*, webhook: Webhook) -> Delivery:
    """Queue a delivery that tells nothing but that the webhook works; also to one at rest."""
    values = {"happened_at": timezone.now().isoformat()}
    occurrence = Occurrence(TEST_EVENT, time.time_ns() // 1000, values)
    delivery = _delivery(webhook, occurrence)
    delivery.save()
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def redeliver(*, delivery: Delivery) -> Delivery:
    """Send a message of the log now, as it was, with all tries of a new one.

    One that waits for its next try need not wait any longer. One that is being sent at this
    moment may arrive twice, as messages may.

    Raises
    ------
    NotRedeliverableError
        If its webhook is at rest.
    """
    webhook = delivery.webhook
    if not webhook.active and delivery.event != TEST_EVENT:
        raise NotRedeliverableError("The webhook is at rest.", hint="Make it active first.")
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.QUEUED,
        attempts_before=F("attempts"),
        next_try_at=Now(),
        finished_at=None,
    )
    record_act(
        act=Act.WEBHOOK_CHANGED, on=webhook, details={"what": "sent again", "delivery": delivery.pk}
    )
    delivery.refresh_from_db()
    return delivery


def queue_deliveries() -> int:
    """Queue what active webhooks have not been told yet, and return how many messages that is.

    Several may do so at once: a message that is there already is left as it is.
    """
    queued = 0
    for webhook in Webhook.objects.filter(active=True):
        looked_at = timezone.now()
        found = [_delivery(webhook, one) for one in list_occurrences(webhook=webhook)]
        # A full look may have left something behind it, so the next one begins where it did.
        all_seen = len(found) < MOST_AT_ONCE
        if found or looked_at - webhook.seen_until > _LOOKS_NOTED_EVERY:
            with transaction.atomic():
                Delivery.objects.bulk_create(found, ignore_conflicts=True)
                if all_seen:
                    Webhook.objects.filter(pk=webhook.pk).update(seen_until=looked_at)
        queued += len(found)
    return queued


def send_due() -> int:
    """Send what is due, some at a time, and return how many were tried."""
    tried = 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while claimed := [one for one in list_due_deliveries()[:AT_ONCE] if _claim(one)]:
            # Threads send and nothing else: every row is written by who owns the connection.
            for delivery, failure in zip(claimed, pool.map(_try, claimed), strict=True):
                _record(delivery, failure)
            tried += len(claimed)
    return tried


def prune_deliveries() -> int:
    """Remove what was finished long ago from the log and return how much."""
    old = Delivery.objects.exclude(state=Delivery.State.QUEUED)
    return old.filter(created_at__lt=Now() - KEPT).delete()[0]


def _checked_url(url: str) -> str:
    parse_url(url)
    return url


def _checked_events(events: Collection[str]) -> list[str]:
    unknown = set(events) - set(Event.values)
    if unknown or not events:
        raise InvalidWebhookError(
            f"There is no event {min(unknown)!r}." if unknown else "A webhook needs an event.",
            hint=f"There are: {', '.join(Event.values)}.",
        )
    return [str(event) for event in Event if event in set(events)]


def _note(webhook: Webhook, what: str) -> None:
    record_act(act=Act.WEBHOOK_CHANGED, on=webhook, details={"what": what, "url": webhook.url})


def _delivery(webhook: Webhook, occurrence: Occurrence) -> Delivery:
    message = {"event": occurrence.event, "webhook": webhook.pk, **occurrence.values}
    return Delivery(
        webhook=webhook,
        event=occurrence.event,
        source=occurrence.source,
        body=json.dumps(message),
    )


def _claim(delivery: Delivery) -> bool:
    """Reserve a delivery; false if somebody else was first."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.QUEUED, attempts=delivery.attempts
    ).update(attempts=F("attempts") + 1, next_try_at=Now() + _RESERVED)
    delivery.attempts += 1
    return bool(mine)


def _try(delivery: Delivery) -> DeliveryFailedError | int:
    """Send one; return the status of the answer, or what went wrong."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Earmark",
        "X-Earmark-Event": delivery.event,
        "X-Earmark-Delivery": str(delivery.pk),
        signing.HEADER: signing.sign(
            secret=delivery.webhook.secret, body=body, now=int(time.time())
        ),
    }
    try:
        return send(parse_url(delivery.webhook.url), body, headers, allowed=allowed_networks())
    except DeliveryFailedError as error:
        return error


def _record(delivery: Delivery, outcome: DeliveryFailedError | int) -> None:
    """Store what came of a try, unless somebody else has claimed the delivery since."""
    values: dict[str, object]
    if isinstance(outcome, int):
        done = {"state": Delivery.State.DELIVERED, "next_try_at": None, "finished_at": Now()}
        values = {**done, "http_status": outcome, "error_code": "", "error_message": ""}
    else:
        values = {
            "http_status": outcome.http_status,
            "error_code": outcome.code,
            "error_message": outcome.message,
        }
        tries = delivery.attempts - delivery.attempts_before
        if tries > len(WAITS):
            values |= {"state": Delivery.State.FAILED, "next_try_at": None, "finished_at": Now()}
        else:
            values["next_try_at"] = Now() + WAITS[tries - 1]
        log.info("webhook_not_delivered", delivery=delivery.pk, code=outcome.code)
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(**values)
