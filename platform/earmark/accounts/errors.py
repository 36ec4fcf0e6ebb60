"""What can go wrong with accounts."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class AccountError(EarmarkError):
    """Base of this app's errors."""

    code = "account_error"


class InvalidTokenError(AccountError):
    """A token is not known, has expired, was revoked, or its user is no longer active."""

    code = "invalid_token"
    status = 401
    hint = "Make a new one."


class TokenRefusedError(AccountError):
    """A token cannot be made like this."""

    code = "token_refused"
