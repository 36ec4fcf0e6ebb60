"""Write the audit log."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from django.contrib.auth.models import User
from django.db import models

from earmark.accounts.acts import Act
from earmark.accounts.models import AuditEntry
from earmark.accounts.origin import current_origin

log = structlog.get_logger(__name__)


def record_act(
    *,
    act: Act,
    on: models.Model | None = None,
    by: User | None = None,
    details: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Note that something was done; part of the transaction that does it.

    Parameters
    ----------
    act : Act
        What was done.
    on : Model, optional
        What it was done to.
    by : User, optional
        Who did it; by default whoever the present request comes from, or runs the command.
    details : mapping, optional
        What else is worth knowing, as JSON. Never a secret.
    """
    origin = current_origin()
    actor = by or origin.user
    entry = AuditEntry.objects.create(
        actor_id=actor.pk if actor else None,
        actor=(actor.get_username() if actor else origin.name)[:200],
        token_id=origin.token.pk if origin.token else None,
        address=origin.address,
        act=act,
        object_type=on._meta.label_lower if on else "",
        object_id=on.pk if on else None,
        object_name=str(on)[:200] if on else "",
        details=dict(details or {}),
    )
    log.info("audit", act=str(act), actor=entry.actor, object=entry.object_name)
    return entry
