"""The OpenAPI document is complete and valid."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from earmark.core.health import CHECKS
from tests.api_client import anonymous


def test_the_document_is_valid_and_made_without_guesses():
    out, err = io.StringIO(), io.StringIO()

    call_command(
        "spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn",
        stdout=out, stderr=err,
    )  # fmt: skip

    assert err.getvalue() == ""
    assert '"openapi": "3.1.0"' in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/v1/nothing", "/api/v1/files/-1", "/api/v2/files"])
def test_addresses_that_are_none_are_told_so_in_the_form_of_all_errors(address: str):
    answer = anonymous().get(address)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer.json()["code"] == "not_found"


@pytest.mark.django_db
def test_a_defect_is_told_without_what_it_was(monkeypatch: pytest.MonkeyPatch):
    def fail() -> str:
        raise RuntimeError("password=secret")

    monkeypatch.setitem(CHECKS, "database", fail)  # type: ignore[arg-type]
    client = APIClient(raise_request_exception=False)
    answer = client.get("/api/v1/health")

    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    assert "secret" not in answer.content.decode()
