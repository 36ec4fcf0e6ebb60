"""Requests that are sent again, and requests about versions: `Idempotency-Key` and `ETag`."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import close_old_connections, connection
from django.urls import path
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.etags import is_unchanged, make_etag, require_match
from earmark.core.api.idempotency import idempotent
from earmark.core.api.views import ApiView
from earmark.core.errors import EarmarkError
from earmark.core.models import StoredAnswer
from tests.api_client import make_user, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class NameInput(serializers.Serializer[Any]):
    name = serializers.CharField()


class GroupsView(ApiView):
    """Makes groups: a stand-in for whatever is made by a POST."""

    access = {"post": Access(Scope.WRITE), "get": Access(Scope.READ), "patch": Access(Scope.WRITE)}

    @extend_schema(request=NameInput, responses={201: NameInput})
    @idempotent
    def post(self, request: Request) -> Response:
        group = Group.objects.create(**self.read_input(NameInput))
        if group.name == "broken":
            raise EarmarkError("It does not work.")
        body = {"name": group.name, "id": group.pk}
        return Response(body, status=201, headers={"Location": f"/groups/{group.pk}"})

    @extend_schema(responses=NameInput)
    def get(self, request: Request) -> Response:
        etag = make_etag(Group.objects.count())
        if is_unchanged(request, etag):
            return Response(status=304)
        return Response({"name": ""}, headers={"ETag": etag})

    @extend_schema(request=NameInput, responses=NameInput)
    def patch(self, request: Request) -> Response:
        needed = "needed" in request.query_params
        require_match(request, make_etag(Group.objects.count()), needed=needed)
        return Response({"name": ""})


urlpatterns = [path("groups", GroupsView.as_view())]


def test_a_request_that_is_sent_again_is_answered_again_and_done_once():
    client = signed_in(make_user())

    first, again = (
        client.post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Group.objects.count() == 1


def test_a_key_belongs_to_one_request_of_one_user():
    client, other = signed_in(make_user()), signed_in(make_user())
    client.post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="one")

    reused = client.post("/groups", {"name": "b"}, HTTP_IDEMPOTENCY_KEY="one")
    others = other.post("/groups", {"name": "b"}, HTTP_IDEMPOTENCY_KEY="one")

    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")
    assert others.status_code == 201


def test_what_failed_left_nothing_behind_and_may_be_tried_again():
    client = signed_in(make_user())

    failed = client.post("/groups", {"name": "broken"}, HTTP_IDEMPOTENCY_KEY="one")
    invalid = client.post("/groups", {}, HTTP_IDEMPOTENCY_KEY="one")
    done = client.post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="one")

    assert [failed.status_code, invalid.status_code, done.status_code] == [400, 400, 201]
    assert list(Group.objects.values_list("name", flat=True)) == ["a"]


def test_keys_are_forgotten_after_a_day():
    client = signed_in(make_user())
    client.post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="one")
    StoredAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert client.post("/groups", {"name": "b"}, HTTP_IDEMPOTENCY_KEY="one").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_key_has_to_be_short_and_printable(key: str):
    answer = signed_in(make_user()).post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY=key)

    assert answer.status_code == 400
    assert list(answer.json()["context"]) == ["Idempotency-Key"]


@pytest.mark.django_db(transaction=True)
def test_two_that_come_at_the_same_time_are_done_once():
    user = make_user()
    answers: list[Any] = []
    start = threading.Barrier(4)

    def ask() -> None:
        try:
            client = signed_in(user)
            start.wait()
            answers.append(client.post("/groups", {"name": "a"}, HTTP_IDEMPOTENCY_KEY="one"))
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Group.objects.count() == 1


def test_the_document_names_the_key_where_it_is_heeded():
    document = SchemaGenerator(urlconf=__name__).get_schema(public=True)

    operations = document["paths"]["/groups"]
    names = [parameter["name"] for parameter in operations["post"]["parameters"]]
    assert names == ["Idempotency-Key"]
    assert "409" in operations["post"]["responses"]
    assert "409" not in operations["patch"]["responses"]


def test_a_change_of_an_old_version_is_refused():
    client = signed_in(make_user())
    seen = client.get("/groups")["ETag"]
    assert client.patch("/groups", {}, HTTP_IF_MATCH=seen).status_code == 200
    assert client.patch("/groups", {}, HTTP_IF_MATCH=f'"other", {seen}').status_code == 200
    assert client.patch("/groups", {}, HTTP_IF_MATCH="*").status_code == 200
    assert client.patch("/groups", {}).status_code == 200

    Group.objects.create(name="new")

    refused = client.patch("/groups", {}, HTTP_IF_MATCH=seen)
    assert (refused.status_code, refused.json()["code"]) == (412, "version_changed")
    assert refused.json()["context"]["etag"] == client.get("/groups")["ETag"]
    assert client.patch("/groups", {}, HTTP_IF_MATCH=f"W/{seen}").status_code == 412
    assert client.patch("/groups?needed", {}).status_code == 428


def test_what_the_client_has_already_is_not_sent_again():
    client = signed_in(make_user())
    seen = client.get("/groups")["ETag"]

    assert client.get("/groups", HTTP_IF_NONE_MATCH=seen).status_code == 304
    assert client.get("/groups", HTTP_IF_NONE_MATCH=f"W/{seen}").status_code == 304
    assert client.get("/groups", HTTP_IF_NONE_MATCH='"other"').status_code == 200
    Group.objects.create(name="new")
    assert client.get("/groups", HTTP_IF_NONE_MATCH=seen).status_code == 200
