"""What a request must bring: each view says it for each of its actions, one class checks it.

Which libraries an account may see is not known here; see `earmark.library.access`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission

from earmark.core.errors import NotAllowedError

if TYPE_CHECKING:  # its module imports this one, by the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


@dataclass(frozen=True)
class Access:
    """What an action asks of those who want it done.

    Attributes
    ----------
    scope : str
        The scope a token needs (`earmark.accounts.scopes.Scope`). People who are signed in with
        a session have all.
    role : str or None
        The least role in the library concerned (`earmark.library.access.Role`); None if no
        library is concerned. The view looks the library up and has the role checked.
    hidden : bool
        Whether what this is about is not there (404) for those whose role is too low, instead of
        there and not theirs to touch (403).
    superuser : bool
        Whether only superusers may.
    permission : str or None
        A permission of Django that the user has to have, such as ``library.add_library``.
    public : bool
        Whether nobody need say who they are.
    """

    scope: str = ""
    role: str | None = None
    hidden: bool = False
    superuser: bool = False
    permission: str | None = None
    public: bool = False

    PUBLIC: ClassVar[Access]


Access.PUBLIC = Access(public=True)


class HasAccess(BasePermission):
    """Checks of `Access` all that does not depend on a library."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Let the request pass, or raise what it lacks."""
        access = access_of(view)
        if access is None or access.public:
            return True
        if not request.user or not request.user.is_authenticated:
            raise NotAuthenticated
        scopes: Collection[str] | None = getattr(request.auth, "scopes", None)
        if scopes is not None and access.scope not in scopes:
            raise NotAllowedError(
                f"This token lacks the scope {str(access.scope)!r}.",
                hint="Make a token that has it.",
                context={"scope": str(access.scope)},
            )
        if access.superuser and not request.user.is_superuser:
            raise NotAllowedError("Only superusers may do this.")
        if access.permission and not request.user.has_perm(access.permission):
            raise NotAllowedError(
                f"This takes the permission {access.permission}.",
                hint="A superuser can give it to you or to a group of yours.",
            )
        return True


def access_of(view: APIView) -> Access | None:
    """Return what the action that `view` is about to do asks for.

    None means that the view has no such action: the answer will be 405.
    """
    name = action_name(view)
    if name is None:
        return None
    declared: dict[str, Any] = getattr(view, "access", {})
    if name not in declared:
        raise ImproperlyConfigured(f"{type(view).__name__}.access does not say who may {name!r}.")
    access = declared[name]
    assert isinstance(access, Access)
    return access


def action_name(view: APIView) -> str | None:
    """Return the name of the action (view sets) or the method in lower case (plain views)."""
    if hasattr(view, "action_map"):
        action: str | None = getattr(view, "action", None)
        return None if action == "metadata" else action  # so REST framework calls OPTIONS
    method = (view.request.method or "").lower()
    name = "get" if method == "head" else method
    return name if hasattr(view, name) and name != "options" else None
