"""The roles people have in a library."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """What somebody may do in a library, each including all before it."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    EDITOR = "editor"
    MANAGER = "manager"

    def covers(self, wanted: Role) -> bool:
        """Whether this role is enough where `wanted` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)

    @classmethod
    def at_least(cls, wanted: Role) -> list[Role]:
        """Return the roles that are enough where `wanted` is asked for."""
        return [role for role in cls if role.covers(wanted)]
