"""Every address of the API with its methods, as the URL patterns say, and what each asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from earmark.core.api.access import Access
from earmark.library.access import Role

PREFIX = "api/v1/"
_METHODS = ("get", "post", "put", "patch", "delete")
_KWARG = re.compile(r"<(?:\w+:)?(\w+)>")


class Subject(StrEnum):
    """Who may ask."""

    ANONYMOUS = "anonymous"
    NOBODY = "no role"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    EDITOR = "editor"
    MANAGER = "manager"
    SUPERUSER = "superuser"
    SCOPELESS = "token without the scope"


@dataclass(frozen=True)
class Endpoint:
    """One method of one address.

    Attributes
    ----------
    method : str
        In lower case.
    path : str
        Below the API's prefix, with its variables in braces: ``libraries/{library_id}``.
    access : Access or None
        What the view asks for; None if it does not say.
    """

    method: str
    path: str
    access: Access | None

    @property
    def name(self) -> str:
        """Such as ``GET libraries/{library_id}``."""
        return f"{self.method.upper()} {self.path}"

    @property
    def variables(self) -> list[str]:
        """The variables of the path, in their order."""
        return re.findall(r"{(\w+)}", self.path)

    def expected(self, subject: Subject) -> str:
        """Return ``yes``, or the status of the refusal."""
        access = self.access
        assert access is not None
        if access.public:
            return "yes"
        if subject is Subject.ANONYMOUS:
            return "401"
        if subject is Subject.SCOPELESS:
            return "403"
        if subject is Subject.SUPERUSER:
            return "yes"
        if access.superuser or access.permission:
            return "403"
        if access.role is None:
            return "yes"
        if subject is Subject.NOBODY:
            return "404"
        if Role(subject.value).covers(Role(access.role)):
            return "yes"
        return "404" if access.hidden else "403"


def list_endpoints() -> list[Endpoint]:
    """Return all endpoints, by path and method."""
    found = {endpoint.name: endpoint for endpoint in _walk(get_resolver().url_patterns, "")}
    order = {method: at for at, method in enumerate(_METHODS)}
    return sorted(found.values(), key=lambda one: (one.path, order[one.method]))


def _walk(patterns: list[Any], prefix: str) -> Iterator[Endpoint]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith(PREFIX):
            yield from _methods_of(pattern.callback, _KWARG.sub(r"{\1}", route))


def _methods_of(callback: Any, route: str) -> Iterator[Endpoint]:
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    path = route.removeprefix(PREFIX)
    actions = getattr(callback, "actions", None)
    if actions is None:
        actions = {name: name for name in _METHODS if hasattr(view, name)}
    said = getattr(view, "access", {})
    for method, action in actions.items():
        if method in _METHODS:
            yield Endpoint(method, path, said.get(action))
