"""The base of everything the platform raises on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class EarmarkError(Exception):
    """Something went wrong that a person can understand.

    Subclasses set `code`, and `hint` where the way out does not depend on the case.

    Parameters
    ----------
    message : str
        One sentence: what is wrong.
    hint : str, optional
        One sentence: what to do.
    context : mapping, optional
        Values a program may want, such as the id of the thing concerned.

    Attributes
    ----------
    code : str
        Stable, machine-readable name of the reason, in snake_case.
    status : int
        What the REST API answers with.
    """

    code = "error"
    hint = ""
    status: ClassVar[int] = 400

    def __init__(
        self, message: str, *, hint: str | None = None, context: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint
        self.context = dict(context or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class NotFoundError(EarmarkError):
    """There is no such thing, or the one who asks may not see it: nobody can tell which."""

    code = "not_found"
    status = 404


class NotAllowedError(EarmarkError):
    """The one who asks may see it, but not do this."""

    code = "not_allowed"
    status = 403
