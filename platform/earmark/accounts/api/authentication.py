"""``Authorization: Bearer em_...``."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from earmark.accounts.errors import InvalidTokenError
from earmark.accounts.models import ApiToken
from earmark.accounts.services import use_token


class TokenAuthentication(BaseAuthentication):
    """Knows the user by a token; `request.auth` is the token then."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return who asks, or None where no token is sent.

        Raises
        ------
        AuthenticationFailed
            If the token is not valid.
        """
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        try:
            token = use_token(secret=secret.decode("ascii", errors="replace").strip())
        except InvalidTokenError as error:
            raise AuthenticationFailed(str(error), code=error.code) from error
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return what 401 says about how to come back."""
        return f'{self.keyword} realm="earmark"'
