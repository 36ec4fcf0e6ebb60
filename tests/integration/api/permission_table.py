"""Writes docs/permissions.md: ``python -m tests.integration.api.permission_table``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs/permissions.md"
_HEAD = """\
# Permissions

Who may do what over the API. `python -m tests.integration.api.permission_table` writes this table
from what the views declare; a test sends each request as each of these people and compares. `yes`
means that the request is looked at: what it asks for may still be impossible (400, 409, ...).

- 401: say who you are. 403: you may see it, but not do this. 404: for you it is not there.
- Roles are those in the library concerned. A superuser manages every library. Lists hold what the
  one who asks may see, so people without a role get empty ones.
- Scopes hold for tokens only; a token without the one named here gets 403. A browser session has
  all.
- Where a permission is named, a superuser can give it to users and groups in the admin.

"""


def render() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    from tests.integration.api.endpoints import Subject, list_endpoints

    subjects = [subject for subject in Subject if subject is not Subject.SCOPELESS]
    columns = ["request", "scope", *(subject.value for subject in subjects)]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for endpoint in list_endpoints():
        access = endpoint.access
        scope = "" if access is None or access.public else str(access.scope)
        if access is not None and access.permission:
            scope += f", `{access.permission}`"
        answers = [endpoint.expected(subject) for subject in subjects]
        yield f"| `{endpoint.name}` | {' | '.join([scope, *answers])} |"


def main() -> None:
    """Write the page."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.test")
    django.setup()
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
