"""People and programs that ask the API, for tests: accounts with a role, and their clients."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from earmark.accounts.scopes import Scope
from earmark.accounts.services import create_token
from earmark.library.access import Role
from earmark.library.models import Library, LibraryRole

_numbers = count(1)


def make_user(
    role: Role | None = None, library: Library | None = None, *, superuser: bool = False
) -> User:
    """Return a new user, with a role in a library if both are named."""
    name = f"{role or ('superuser' if superuser else 'nobody')}-{next(_numbers)}"
    make = User.objects.create_superuser if superuser else User.objects.create_user
    user = make(name)
    if role is not None and library is not None:
        LibraryRole.objects.create(library=library, user=user, role=role)
    return user


def make_token(user: User, scopes: Collection[Scope] = tuple(Scope)) -> str:
    """Return a token of a user, by default with all scopes."""
    return create_token(user=user, name="test", scopes=scopes)[1]


def anonymous() -> APIClient:
    """Return a client of nobody."""
    return APIClient()


def signed_in(user: User) -> APIClient:
    """Return a client with a session, as a browser has one; CSRF is not asked of it."""
    client = APIClient()
    client.force_login(user)
    return client


def with_token(user: User, scopes: Collection[Scope] = tuple(Scope)) -> APIClient:
    """Return a client that sends a new token of a user."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_token(user, scopes)}")
    return client
