"""Make, use and revoke tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.errors import InvalidTokenError, TokenRefusedError
from earmark.accounts.models import ApiToken
from earmark.accounts.scopes import Scope
from earmark.accounts.services.audit import record_act
from earmark.core.errors import NotAllowedError

PREFIX = "em_"
"""How every token begins, so that scanners for leaked secrets know one when they see it."""

_SECRET_BYTES = 32
_SHOWN = 10
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    scopes: Collection[str],
    lifetime: timedelta | None = None,
    made_with: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; return its record and the token itself, which cannot be had again.

    Parameters
    ----------
    user : User
        For whom it acts.
    name : str
        What it is for.
    scopes : collection of str
        See `Scope`.
    lifetime : timedelta, optional
        Until it expires; by default never.
    made_with : ApiToken, optional
        The token with which this one is asked for. It may do no more than that, and ends with it
        at the latest: who has found a token of a day shall not have one for good.

    Raises
    ------
    NotAllowedError
        If it was to do more than the token it is made with.
    TokenRefusedError
        If there is no name, no scope, an unknown scope, or no lifetime left.
    """
    unknown = sorted(set(scopes) - set(Scope.values))
    if not scopes or unknown:
        problem = f"No such scope: {', '.join(unknown)}." if unknown else "A token needs a scope."
        raise TokenRefusedError(problem, hint=f"Scopes are {', '.join(Scope.values)}.")
    if not name.strip():
        raise TokenRefusedError("A token needs a name.", hint="Say what it is for.")
    if lifetime is not None and lifetime <= timedelta():
        raise TokenRefusedError("A token cannot expire before it is made.")
    if made_with is not None and (beyond := sorted(set(scopes) - set(made_with.scopes))):
        raise NotAllowedError(
            "A token cannot make one that may do more than itself.", context={"scopes": beyond}
        )
    ends = [timezone.now() + lifetime] if lifetime else []
    if made_with is not None and made_with.expires_at is not None:
        ends.append(made_with.expires_at)
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip()[:100],
        prefix=secret[:_SHOWN],
        digest=_digest(secret),
        scopes=[scope for scope in Scope.values if scope in scopes],
        expires_at=min(ends, default=None),
    )
    record_act(
        act=Act.TOKEN_CREATED,
        on=token,
        details={"user": user.get_username(), "scopes": token.scopes},
    )
    return token, secret


def use_token(*, secret: str) -> ApiToken:
    """Return the token's record with its user, and note that it was used.

    Raises
    ------
    InvalidTokenError
        If it is not known, has expired, was revoked, or its user is not active. Which of these
        is nothing a stranger need know.
    """
    now = timezone.now()
    # Nothing is asked as often: what makes a token invalid is looked at in its row, as each
    # condition and the order of `first` would be put into SQL anew for every request.
    found = ApiToken.objects.select_related("user").filter(digest=_digest(secret))
    token = next(iter(found), None)
    if token is None or not _is_valid(token, now):
        raise InvalidTokenError("The token is not valid.")
    if token.last_used_at is None or token.last_used_at < now - _USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@transaction.atomic
def revoke_token(*, token: ApiToken) -> ApiToken:
    """Make a token useless from now on; return it. Revoking it twice changes nothing."""
    valid = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True)
    if valid.update(revoked_at=timezone.now()):
        record_act(act=Act.TOKEN_REVOKED, on=token, details={"user": token.user.get_username()})
    token.refresh_from_db()
    return token


def _is_valid(token: ApiToken, now: datetime) -> bool:
    expired = token.expires_at is not None and token.expires_at <= now
    return not expired and token.revoked_at is None and token.user.is_active


def _digest(secret: str) -> str:
    # The secret has 256 random bits: nothing can be guessed, so a slow hash would protect nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
