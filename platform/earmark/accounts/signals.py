"""Sign-ins, as Django tells of them, for the audit log."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act


@receiver(user_logged_in)
def note_sign_in(user: User, **kwargs: Any) -> None:
    """Note who signed in."""
    record_act(act=Act.SIGNED_IN, on=user, by=user)


@receiver(user_logged_out)
def note_sign_out(user: User | None, **kwargs: Any) -> None:
    """Note who signed out."""
    if user is not None:
        record_act(act=Act.SIGNED_OUT, on=user, by=user)


@receiver(user_login_failed)
def note_failure(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Note the name that was tried. Tries of who is locked out already are not worth a row."""
    if not getattr(request, "axes_locked_out", False):
        name = str(credentials.get("username", ""))[:200]
        record_act(act=Act.SIGN_IN_FAILED, details={"username": name})


@receiver(user_locked_out)
def note_lock(request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Note that somebody has tried too often; not again for each further try."""
    if getattr(request, "axes_failures_since_start", None):
        record_act(act=Act.LOCKED_OUT, details={"username": str(username)[:200]})
