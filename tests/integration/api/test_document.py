"""The OpenAPI document is complete and valid."""

from __future__ import annotations

import io

from django.core.management import call_command


def test_the_document_is_valid_and_made_without_guesses():
    out, err = io.StringIO(), io.StringIO()

    call_command(
        "spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn",
        stdout=out, stderr=err,
    )  # fmt: skip

    assert err.getvalue() == ""
    assert '"openapi": "3.1.0"' in out.getvalue()
