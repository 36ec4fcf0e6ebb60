"""What can go wrong with webhooks."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class WebhookError(EarmarkError):
    """Base of this app's errors."""

    code = "webhook_error"


class InvalidWebhookError(WebhookError):
    """An address or an event that a webhook cannot have."""

    code = "invalid_webhook"


class NotRedeliverableError(WebhookError):
    """A message cannot be sent again, as its webhook is at rest."""

    code = "not_redeliverable"
    status = 409


class DeliveryFailedError(WebhookError):
    """A delivery did not arrive; `code` says why, and the next try may do better.

    Codes are ``name_unknown``, ``address_refused``, ``unreachable``, ``certificate_refused``,
    ``timed_out``, ``no_http``, ``redirected`` and ``answered`` (with another status than 200 to
    299).
    """

    def __init__(self, code: str, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = http_status
