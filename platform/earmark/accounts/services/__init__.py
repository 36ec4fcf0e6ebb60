"""Changes of accounts."""

from earmark.accounts.services.tokens import create_token, revoke_token, use_token

__all__ = ["create_token", "revoke_token", "use_token"]
