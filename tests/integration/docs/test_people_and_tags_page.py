"""Every request of docs/people-and-tags.md is answered as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.working import run_next_operation
from earmark.library.access import Role
from earmark.tagging.models import Tag
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, LibraryFactory, RunFactory

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[3] / "docs" / "people-and-tags.md").read_text("utf-8")
REQUESTS = re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL)
TO_WORKERS = re.compile(r"/bulk$|/bulk/\d+/undo|/tag-writes/|/policy/apply")


def send(client: APIClient, request: str) -> tuple[str, str, int, dict[str, object]]:
    head, _, body = request.partition("\n\n")
    first, *lines = head.strip().splitlines()
    method, path = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    answer = client.generic(
        method, path, body.strip(), content_type="application/json", headers=headers
    )
    return method, path, answer.status_code, json.loads(answer.content)


def test_the_requests_of_the_page_do_what_it_says():
    library = LibraryFactory()
    file, run = AudioFileFactory(library=library, path="doors.wav"), RunFactory(library=library)
    client = signed_in(make_user(Role.MANAGER, library))
    etag = client.get(f"/api/v1/files/{file.pk}/tags")["ETag"]
    known: dict[str, object] = {"FILE": file.pk, "LIBRARY": library.pk, "RUN": run.pk, "ETAG": etag}
    assert len(REQUESTS) == 18
    for request in REQUESTS:
        for name, value in known.items():
            request = request.replace(name, str(value))
        method, path, status, told = send(client, request)
        asked = method == "POST" and TO_WORKERS.search(path)
        assert status == (202 if asked else 200), (request, told)
        if "change" in told and "CHANGE" not in known:
            known["CHANGE"] = told["change"]["id"]
        if path.endswith("/bulk"):
            known["OPERATION"] = told["id"]
    while run_next_operation(worker="one", should_stop=bool):
        pass
    assert not BulkOperation.objects.open().exists()
    assert not Tag.objects.accepted().filter(file=file).exists()
