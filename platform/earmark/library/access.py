"""Who may see and do what in which library. Every app's API asks here."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from earmark.core.errors import NotAllowedError, NotFoundError
from earmark.library.models import AudioFile, Library, LibraryRole
from earmark.library.roles import Role
from earmark.library.selectors import list_libraries_below

Asker: TypeAlias = User | AnonymousUser

__all__ = [
    "Asker",
    "Role",
    "require_file",
    "require_library",
    "require_may_register",
    "require_role",
    "role_of",
    "roles_of",
    "visible_files",
    "visible_libraries",
]


def visible_libraries(user: Asker, *, role: Role | str = Role.VIEWER) -> QuerySet[Library]:
    """Return the libraries in which somebody has at least this role; by default all they see."""
    if user.is_superuser:
        return Library.objects.all()
    granted = _granted(user).filter(role__in=Role.at_least(Role(role)))
    return Library.objects.filter(pk__in=granted.values("library"))


def visible_files(user: Asker, *, role: Role | str = Role.VIEWER) -> QuerySet[AudioFile]:
    """Return the files of `visible_libraries`."""
    if user.is_superuser:
        return AudioFile.objects.all()
    return AudioFile.objects.filter(library__in=visible_libraries(user, role=role).values("pk"))


def role_of(user: Asker, library: Library) -> Role | None:
    """Return the highest role somebody has in a library, by themselves or by a group."""
    if user.is_superuser:
        return Role.MANAGER
    roles = [Role(role) for role in _granted(user, library).values_list("role", flat=True)]
    return max(roles, key=list(Role).index, default=None)


def roles_of(user: Asker) -> dict[int, Role]:
    """Return the highest role of somebody in each library, by its id; empty for superusers."""
    highest: dict[int, Role] = {}
    if user.is_superuser:
        return highest
    for library_id, name in _granted(user).values_list("library", "role"):
        role = Role(name)
        if library_id not in highest or role.covers(highest[library_id]):
            highest[library_id] = role
    return highest


def require_role(user: Asker, library: Library, role: Role | str) -> None:
    """Let those pass who have a role in a library.

    Raises
    ------
    NotFoundError
        If the library may not be seen at all.
    NotAllowedError
        If the role is too low.
    """
    own = role_of(user, library)
    if own is None:
        raise NotFoundError("There is no such library.")
    if not own.covers(Role(role)):
        raise NotAllowedError(
            f"This takes the role {role} in the library {library.name!r}; yours is {own}.",
            hint="Ask one of its managers.",
            context={"library": library.pk, "role": str(role)},
        )


def require_library(user: Asker, library_id: int, role: Role | str = Role.VIEWER) -> Library:
    """Return a library by its id; see `require_role`."""
    library = visible_libraries(user).filter(pk=library_id).first()
    if library is None:
        raise NotFoundError("There is no such library.")
    require_role(user, library, role)
    return library


def require_file(user: Asker, file_id: int, role: Role | str = Role.VIEWER) -> AudioFile:
    """Return a file by its id, with its library; see `require_role`."""
    file = visible_files(user).select_related("library").filter(pk=file_id).first()
    if file is None:
        raise NotFoundError("There is no such file.")
    require_role(user, file.library, role)
    return file


def require_may_register(user: Asker, folder: Path) -> None:
    """Let those pass who may make a folder a library.

    Who has the permission to register libraries gets to see what is in the folder. What is a
    library of others already, they do not get by registering the folder around it.

    Parameters
    ----------
    folder : Path
        Without links on the way, as `check_registration` returns it.

    Raises
    ------
    NotAllowedError
        If the folder holds a library that they do not manage.
    """
    inner = list_libraries_below(folder)
    if any(role_of(user, library) is not Role.MANAGER for library in inner):
        raise NotAllowedError(
            "The folder holds libraries that you do not manage.",
            hint="Ask a superuser to register it.",
        )


def _granted(user: Asker, library: Library | None = None) -> QuerySet[LibraryRole]:
    if not isinstance(user, User):
        return LibraryRole.objects.none()
    mine = Q(user=user) | Q(group__in=user.groups.all())
    roles = LibraryRole.objects.filter(mine)
    return roles if library is None else roles.filter(library=library)
