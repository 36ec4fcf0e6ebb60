"""Make groups, put people into them and take them out; roles are given to groups like to people."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction

from earmark.accounts.acts import Act
from earmark.accounts.errors import GroupExistsError
from earmark.accounts.services.audit import record_act


def create_group(*, name: str) -> Group:
    """Make a group with nobody in it.

    Raises
    ------
    GroupExistsError
        If the name is taken.
    """
    try:
        with transaction.atomic():
            group = Group.objects.create(name=name)
            record_act(act=Act.GROUP_CREATED, on=group)
    except IntegrityError as error:
        raise GroupExistsError(f"There is a group {name!r} already.") from error
    return group


@transaction.atomic
def delete_group(*, group: Group) -> None:
    """Remove a group, with the roles and permissions that people had by it."""
    members = sorted(group.user_set.values_list("username", flat=True))
    record_act(act=Act.GROUP_DELETED, on=group, details={"members": members})
    group.delete()


@transaction.atomic
def add_member(*, group: Group, user: User) -> None:
    """Put somebody into a group; nothing happens to those who are in it."""
    _, joined = User.groups.through.objects.get_or_create(group=group, user=user)
    if joined:
        record_act(act=Act.GROUP_JOINED, on=group, details={"user": user.get_username()})


@transaction.atomic
def remove_member(*, group: Group, user: User) -> None:
    """Take somebody out of a group; what they may by it ends at once."""
    if User.groups.through.objects.filter(group=group, user=user).delete()[0]:
        record_act(act=Act.GROUP_LEFT, on=group, details={"user": user.get_username()})
