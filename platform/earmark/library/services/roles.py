"""Give people roles in libraries, and take them away."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import transaction

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act
from earmark.library.models import Library, LibraryRole
from earmark.library.roles import Role


@transaction.atomic
def grant_role(*, library: Library, holder: User | Group, role: Role) -> LibraryRole:
    """Give a user or a group a role in a library, instead of the one they may have."""
    whose = {"user": holder} if isinstance(holder, User) else {"group": holder}
    row, _ = LibraryRole.objects.update_or_create(library=library, **whose, defaults={"role": role})
    record_act(act=Act.ROLE_GRANTED, on=library, details=_details(row))
    return row


@transaction.atomic
def revoke_role(*, role: LibraryRole) -> None:
    """Take a role away."""
    details = _details(role)
    if LibraryRole.objects.filter(pk=role.pk).delete()[0]:
        record_act(act=Act.ROLE_REVOKED, on=role.library, details=details)


def _details(row: LibraryRole) -> dict[str, object]:
    holder = {"user": row.user.get_username()} if row.user else {"group": str(row.group)}
    return {**holder, "role": row.role}
