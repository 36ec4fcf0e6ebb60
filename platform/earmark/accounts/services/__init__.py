"""Changes of accounts."""

from earmark.accounts.services.audit import record_act
from earmark.accounts.services.tokens import create_token, revoke_token, use_token
from earmark.accounts.services.users import create_user, set_active

__all__ = [
    "create_token",
    "create_user",
    "record_act",
    "revoke_token",
    "set_active",
    "use_token",
]
