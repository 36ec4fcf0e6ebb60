"""Users, tokens, sign-in, the audit log: through the API, the pages and the command."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import AsyncClient, Client
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.models import ApiToken, AuditEntry
from earmark.accounts.scopes import Scope
from earmark.accounts.services import create_user
from tests.api_client import anonymous, make_user, signed_in, with_token

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def acts(**which: object) -> list[str]:
    return list(AuditEntry.objects.filter(**which).order_by("id").values_list("act", flat=True))


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- who asks ------------------------------------------------------------------------------------


def test_who_asks_is_told_their_account_and_what_their_token_may():
    user = make_user()

    assert signed_in(user).get("/api/v1/me").json()["scopes"] == [
        "read",
        "write",
        "review",
        "admin",
    ]
    body = with_token(user, [Scope.READ]).get("/api/v1/me").json()
    assert (body["username"], body["scopes"]) == (user.username, ["read"])


def test_nobody_is_asked_to_say_who_they_are():
    answer = anonymous().get("/api/v1/me")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="earmark"'
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("sent", ["Bearer em_wrong", "Bearer", "Bearer ä", "bearer em_a em_b"])
def test_a_wrong_token_is_401_and_says_so(sent: str):
    answer = anonymous().get("/api/v1/me", HTTP_AUTHORIZATION=sent)

    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_token"


def test_a_session_needs_the_csrf_token_to_change_something():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())

    answer = client.post("/api/v1/tokens", {}, content_type="application/json")

    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"


# --- tokens --------------------------------------------------------------------------------------


def test_a_token_is_made_shown_once_used_and_revoked():
    user = make_user()
    person = signed_in(user)

    made = person.post("/api/v1/tokens", {"name": "daw", "scopes": ["admin", "read"], "days": 7})

    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    secret = made.json()["token"]
    listed = person.get("/api/v1/tokens").json()["results"]
    assert [token["name"] for token in listed] == ["daw"]
    assert secret not in json.dumps(listed)
    program = anonymous()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert program.get("/api/v1/me").status_code == 200
    assert person.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 204
    assert program.get("/api/v1/me").status_code == 401
    assert acts(object_type="accounts.apitoken") == [Act.TOKEN_CREATED, Act.TOKEN_REVOKED]


def test_a_token_cannot_make_one_that_may_more_than_itself():
    client = with_token(make_user(), [Scope.ADMIN, Scope.READ])

    answer = client.post("/api/v1/tokens", {"name": "more", "scopes": ["read", "write"]})

    assert answer.status_code == 403
    assert answer.json()["context"] == {"scopes": ["write"]}
    assert client.post("/api/v1/tokens", {"name": "a", "scopes": ["read"]}).status_code == 201


@pytest.mark.parametrize("days", [None, 90, 1])
def test_a_token_cannot_make_one_that_outlives_it(days: int | None):
    client = with_token(make_user(), [Scope.ADMIN, Scope.READ])
    ends = timezone.now() + timedelta(days=7)
    ApiToken.objects.update(expires_at=ends)

    made = client.post("/api/v1/tokens", {"name": "more", "scopes": ["read"], "days": days})

    assert made.status_code == 201
    expires_at = ApiToken.objects.get(pk=made.json()["id"]).expires_at
    assert expires_at is not None
    assert (expires_at == ends) is (days != 1)
    assert expires_at <= ends


def test_the_tokens_of_others_are_not_there():
    owner = make_user()
    with_token(owner)
    token = ApiToken.objects.get(user=owner)
    superuser = signed_in(make_user(superuser=True))

    assert superuser.get("/api/v1/tokens").json()["results"] == []
    assert superuser.delete(f"/api/v1/tokens/{token.pk}").status_code == 404


def test_a_token_without_the_scope_is_told_which():
    answer = with_token(make_user(), [Scope.WRITE]).get("/api/v1/me")

    assert answer.status_code == 403
    assert answer.json() == {
        "code": "not_allowed",
        "message": "This token lacks the scope 'read'. Make a token that has it.",
        "context": {"scope": "read"},
    }


# --- users ---------------------------------------------------------------------------------------


def test_superusers_make_find_and_deactivate_users():
    root = signed_in(make_user(superuser=True))

    made = root.post("/api/v1/users", {"username": "anna", "password": PASSWORD})

    assert made.status_code == 201
    assert "password" not in made.json()
    found = root.get("/api/v1/users", {"username": "anna"}).json()["results"]
    assert [user["id"] for user in found] == [made.json()["id"]]
    anna = User.objects.get(username="anna")
    assert anna.check_password(PASSWORD)
    program = with_token(anna)
    assert program.get("/api/v1/me").status_code == 200
    changed = root.patch(f"/api/v1/users/{anna.pk}", {"is_active": False})
    assert changed.json()["is_active"] is False
    assert program.get("/api/v1/me").status_code == 401
    assert acts(object_id=anna.pk, object_type="auth.user") == [
        Act.USER_CREATED,
        Act.USER_DEACTIVATED,
    ]


def test_a_name_is_taken_once_and_weak_passwords_are_refused():
    root = signed_in(make_user(superuser=True))
    create_user(username="anna")

    taken = root.post("/api/v1/users", {"username": "anna"})
    weak = root.post("/api/v1/users", {"username": "bert", "password": "12345"})

    assert (taken.status_code, taken.json()["code"]) == (409, "user_exists")
    assert (weak.status_code, weak.json()["code"]) == (400, "password_refused")


def test_nobody_can_shut_themselves_out():
    root = make_user(superuser=True)

    answer = signed_in(root).patch(f"/api/v1/users/{root.pk}", {"is_active": False})

    assert (answer.status_code, answer.json()["code"]) == (409, "own_account")
    assert User.objects.get(pk=root.pk).is_active


def test_users_and_the_audit_log_are_for_superusers():
    client = signed_in(make_user())

    assert client.get("/api/v1/users").status_code == 403
    assert client.get("/api/v1/audit").status_code == 403


# --- the audit log -------------------------------------------------------------------------------


def test_the_audit_log_says_who_did_what_from_where_and_by_which_token():
    root = make_user(superuser=True)
    client = with_token(root)
    client.post("/api/v1/users", {"username": "anna"}, REMOTE_ADDR="192.0.2.7")

    (entry,) = client.get("/api/v1/audit", {"act": "user_created"}).json()["results"]

    assert entry["actor"] == root.username
    assert entry["actor_id"] == root.pk
    assert entry["token_id"] == ApiToken.objects.get(user=root).pk
    assert entry["address"] == "192.0.2.7"
    assert (entry["object_type"], entry["object_name"]) == ("auth.user", "anna")


def test_entries_of_the_audit_log_are_not_changed_and_not_deleted():
    make_user()
    run("create", make_user().username, "--name", "a", "--scope", "read")
    entry = AuditEntry.objects.get()

    for act in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(act="nothing"),
    ):
        with pytest.raises(TypeError, match="append-only"):
            act()
    assert entry.actor.endswith("on the command line")


# --- signing in ----------------------------------------------------------------------------------


def sign_in(client: Client, name: str, password: str, address: str = "192.0.2.1") -> Any:
    return client.post("/login", {"username": name, "password": password}, REMOTE_ADDR=address)


def test_people_sign_in_and_out_with_a_browser():
    create_user(username="anna", password=PASSWORD)
    client = Client()

    assert b"csrfmiddlewaretoken" in client.get("/login").content
    assert sign_in(client, "anna", PASSWORD)["Location"] == "/api/v1/docs"
    assert client.get("/api/v1/me").status_code == 200
    client.post("/logout")
    assert client.get("/api/v1/me").status_code == 401
    assert acts(actor="anna") == [Act.SIGNED_IN, Act.SIGNED_OUT]


def test_who_guesses_passwords_has_to_wait_and_others_have_not():
    create_user(username="anna", password=PASSWORD)
    client = Client()
    for _ in range(4):
        assert sign_in(client, "anna", "wrong").status_code == 200
    assert sign_in(client, "anna", "wrong").status_code == 429

    locked = sign_in(client, "anna", PASSWORD)

    assert locked.status_code == 429
    assert b"Try again in 900 seconds" in locked.content
    assert sign_in(client, "anna", PASSWORD, address="192.0.2.2").status_code == 302
    assert acts(act=Act.LOCKED_OUT, address="192.0.2.1") == [Act.LOCKED_OUT]
    assert 4 <= len(acts(act=Act.SIGN_IN_FAILED)) <= 5


def test_an_asynchronous_server_shuts_guessers_out_too():
    client = AsyncClient()
    form = {"username": "nobody", "password": "wrong"}
    answers = [async_to_sync(client.post)("/login", form) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2


def test_the_page_leads_to_where_somebody_wanted_but_not_to_other_sites():
    create_user(username="anna", password=PASSWORD)
    for wanted, leads_to in (("/admin/", "/admin/"), ("https://evil.example/", "/api/v1/docs")):
        client = Client()
        form = {"username": "anna", "password": PASSWORD, "next": wanted}
        assert client.post("/login", form)["Location"] == leads_to


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_the_token_alone_to_standard_output():
    user = make_user()

    out, err = run("create", user.username, "--name", "daw", "--scope", "read", "--days", "7")

    client = anonymous()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {out.strip()}")
    assert client.get("/api/v1/me").status_code == 200
    assert "Keep it safe" in err
    (line,) = run("list", "--user", user.username, "--json")[0].splitlines()
    listed = json.loads(line)
    assert (listed["name"], listed["scopes"]) == ("daw", ["read"])
    assert out.strip() not in line
    assert "is revoked" in run("revoke", str(listed["id"]))[0]
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "nobody-there", "--name", "a", "--scope", "read"],
        ["create", "anna", "--name", " ", "--scope", "read"],
        ["create", "anna", "--name", "a", "--scope", "read", "--days", "0"],
        ["revoke", "999999"],
    ],
)
def test_a_wrong_command_line_ends_with_status_2(arguments: list[str]):
    create_user(username="anna")

    with pytest.raises(CommandError) as caught:
        run(*arguments)

    assert caught.value.returncode == 2
    assert not ApiToken.objects.exists()


# --- limits and headers --------------------------------------------------------------------------


@pytest.fixture
def counted_from_zero() -> None:
    """Forget what other tests have sent: tokens of theirs may have had the same number."""
    cache.clear()


@pytest.mark.usefixtures("counted_from_zero")
def test_who_sends_too_many_requests_is_told_when_to_come_back(settings: Any):
    settings.EARMARK_API_REQUESTS_PER_MINUTE = 2
    settings.EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE = 1
    client, other = with_token(make_user()), with_token(make_user())

    answers = [client.get("/api/v1/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1].json()["code"] == "throttled"
    assert other.get("/api/v1/me").status_code == 200
    stranger = {"REMOTE_ADDR": "203.0.113.9"}
    forged = {"HTTP_X_FORWARDED_FOR": "198.51.100.1"}
    assert anonymous().get("/api/v1/docs", **stranger).status_code == 200
    assert anonymous().get("/api/v1/docs", **stranger, **forged).status_code == 429


@pytest.mark.usefixtures("counted_from_zero")
def test_strangers_who_are_refused_have_to_wait_and_a_good_token_from_there_works(settings: Any):
    settings.EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE = 2
    stranger, known = anonymous(), with_token(make_user())
    address = {"REMOTE_ADDR": "203.0.113.10"}
    forged = {"HTTP_X_FORWARDED_FOR": "198.51.100.1"}

    statuses = [
        stranger.get("/api/v1/me", HTTP_AUTHORIZATION="Bearer em_wrong", **address).status_code,
        stranger.get("/api/v1/me", **address).status_code,
        stranger.get("/api/v1/me", HTTP_AUTHORIZATION="Bearer em_x", **address).status_code,
        stranger.get("/api/v1/me", **address, **forged).status_code,
    ]

    assert statuses == [401, 401, 429, 429]
    assert known.get("/api/v1/me", **address).status_code == 200
    assert anonymous().get("/api/v1/me", REMOTE_ADDR="203.0.113.11").status_code == 401


@pytest.mark.usefixtures("counted_from_zero")
def test_who_may_not_do_it_is_counted_too(settings: Any):
    settings.EARMARK_API_REQUESTS_PER_MINUTE = 1
    client = with_token(make_user(), [Scope.READ])

    statuses = [client.get("/api/v1/users").status_code for _ in range(2)]

    assert statuses == [403, 429]


@pytest.mark.parametrize("page", ["/login", "/api/v1/docs", "/api/v1/me", "/admin/login/"])
def test_browsers_are_told_to_load_nothing_from_elsewhere_and_to_run_no_script_in_the_page(
    page: str,
):
    answer = anonymous().get(page)

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    text = answer.content.decode()
    assert "<style" not in text
    assert "<script>" not in text
