"""Changes of accounts."""

from earmark.accounts.services.audit import record_act
from earmark.accounts.services.groups import (
    add_member,
    create_group,
    delete_group,
    remove_member,
)
from earmark.accounts.services.tokens import create_token, revoke_token, use_token
from earmark.accounts.services.users import create_user, set_active

__all__ = [
    "add_member",
    "create_group",
    "create_token",
    "create_user",
    "delete_group",
    "record_act",
    "remove_member",
    "revoke_token",
    "set_active",
    "use_token",
]
