"""Who asks, and what of the queue they may ask about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth.models import User
from rest_framework.request import Request

from earmark.library.access import (
    Asker,
    Role,
    require_library,
    require_role,
    visible_libraries,
)
from earmark.library.models import Library
from earmark.review.errors import DecisionUnknownError
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.selectors import ItemFilter, get_item, list_items


def reviewer_of(request: Request) -> str:
    """Return the name under which somebody reviews."""
    return cast(User, request.user).get_username()


def library_of(user: Asker, wanted: Mapping[str, Any], role: Role) -> Library | None:
    """Return the library that a request names; None if it names none."""
    return require_library(user, wanted["library"], role) if "library" in wanted else None


def items_of(user: Asker, wanted: Mapping[str, Any], role: Role) -> ReviewItemQuerySet:
    """Return the items that a request means, of libraries in which somebody has a role."""
    library = library_of(user, wanted, role)
    names = ("label", "kind", "folder", "classifier")
    return list_items(
        meant=ItemFilter(
            libraries=visible_libraries(user, role=role) if library is None else [library],
            **{name: wanted.get(name, "") for name in names},
        )
    )


def require_item(user: Asker, item_id: int, role: Role | str) -> ReviewItem:
    """Return an item with its file.

    Raises
    ------
    ItemUnknownError
        If there is none, or its library may not be seen.
    NotAllowedError
        If the role is too low.
    """
    seen = ReviewItem.objects.filter(library__in=visible_libraries(user))
    item = get_item(item_id=item_id, items=seen)
    require_role(user, item.library, role)
    return item


def require_decision(user: Asker, decision: Decision | None, role: Role | str) -> ReviewItem:
    """Return the item that a decision is about; raises as `require_item` does."""
    found = None if decision is None else ReviewItem.objects.filter(pk=decision.item_id).first()
    if found is None or not visible_libraries(user).filter(pk=found.library_id).exists():
        raise DecisionUnknownError("There is no such decision.")
    require_role(user, found.library, role)
    return found
