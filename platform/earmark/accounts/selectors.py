"""Questions about accounts."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from earmark.accounts.models import ApiToken


def list_tokens(*, user: User) -> QuerySet[ApiToken]:
    """Return the tokens of a user, the newest first, revoked ones too."""
    return ApiToken.objects.filter(user=user).order_by("-id")
