"""Changes of policy: each is a new row, none is ever overwritten."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from earmark.library.models import Library
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import PolicyChange, PolicyVersion
from earmark.tagging.selectors import list_policy_changes


def set_policy(
    *,
    policy: TagPolicy,
    library: Library | None = None,
    note: str = "",
    changed_by: User | None = None,
) -> PolicyChange:
    """Let a policy hold for a library, or for all that have none of their own.

    Returns the change that stands already if nothing would change by it. Tags follow with the
    next `tag`, or at once by `rederive`.

    Parameters
    ----------
    policy : TagPolicy
    library : Library, optional
        None is the default policy.
    note : str
        Why, for the history.
    changed_by : user, optional
    """
    return _change(library, keep_version(policy), note, changed_by)


def follow_default(
    *, library: Library, note: str = "", changed_by: User | None = None
) -> PolicyChange:
    """Let a library follow the default policy again."""
    return _change(library, None, note, changed_by)


def keep_version(policy: TagPolicy) -> PolicyVersion:
    """Return the row of a policy, made if it is used for the first time."""
    row, _ = PolicyVersion.objects.get_or_create(
        key=policy.version, defaults={"values": policy.values}
    )
    return row


@transaction.atomic
def _change(
    library: Library | None, version: PolicyVersion | None, note: str, changed_by: User | None
) -> PolicyChange:
    newest = list_policy_changes(library=library).select_for_update(of=("self",)).first()
    if newest is not None and newest.policy == version:
        return newest
    last = PolicyChange.objects.filter(library=library).aggregate(last=Max("number"))["last"]
    return PolicyChange.objects.create(
        library=library,
        number=(last or 0) + 1,
        policy=version,
        note=note,
        changed_by=changed_by,
    )
