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


class UserUnknownError(AccountError):
    """Nobody has that name."""

    code = "user_unknown"
    status = 404


class UserExistsError(AccountError):
    """Somebody has that name already."""

    code = "user_exists"
    status = 409


class GroupExistsError(AccountError):
    """There is a group of that name already."""

    code = "group_exists"
    status = 409


class PasswordRefusedError(AccountError):
    """The password is too weak."""

    code = "password_refused"


class OwnAccountError(AccountError):
    """People cannot lock themselves out."""

    code = "own_account"
    status = 409
    hint = "Ask another superuser."
