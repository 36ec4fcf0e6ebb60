"""Questions about accounts."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from earmark.accounts.errors import UserUnknownError
from earmark.accounts.models import ApiToken


def get_user(*, named: str) -> User:
    """Return the user of a name.

    Raises
    ------
    UserUnknownError
        If there is none.
    """
    user = User.objects.filter(username=named).first()
    if user is None:
        raise UserUnknownError(
            f"Nobody is called {named!r}.", hint="`earmark createsuperuser` makes the first user."
        )
    return user


def list_tokens(*, user: User | None = None) -> QuerySet[ApiToken]:
    """Return the tokens of a user, or of all; the newest first, revoked ones too."""
    tokens = ApiToken.objects.select_related("user").order_by("-id")
    return tokens if user is None else tokens.filter(user=user)
