"""A delivery goes to the address that was checked and nowhere else, in bounded time."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from earmark.webhooks.errors import DeliveryFailedError
from earmark.webhooks.sending import parse_url, resolve, send
from tests.servers import free_port
from tests.webhook_receiver import Receiver, receiver, silent_port

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def inside() -> Iterator[Receiver]:
    """A server that webhooks must not reach, unless they are allowed to."""
    with receiver() as told:
        yield told


def post(url: str, **options: Any) -> int:
    return send(parse_url(url), b"{}", {"X-Test": "1"}, **({"allowed": []} | options))


def refusal(url: str, **options: Any) -> DeliveryFailedError:
    with pytest.raises(DeliveryFailedError) as told:
        post(url, **options)
    return told.value


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names lead to these addresses, another list each time; return the log of questions."""
    asked: list[str] = []

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            asked.append(host)
            addresses = answers[min(len(asked), len(answers)) - 1]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]
        return real(host, port, *args, **kwargs)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def test_a_delivery_arrives_with_its_body_and_the_name_it_was_sent_to(
    inside: Receiver, monkeypatch: pytest.MonkeyPatch
):
    names(monkeypatch, ["127.0.0.1"])

    status = post(f"http://studio.example:{inside.port}/hook?x=1", allowed=LOOPBACK)

    assert status == 200
    path, headers, body = inside.requests[0]
    assert (path, body) == ("/hook?x=1", b"{}")
    assert headers["Host"] == f"studio.example:{inside.port}"
    assert headers["X-Test"] == "1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_this_machine_is_out_of_reach_however_it_is_called(inside: Receiver, host: str):
    assert refusal(f"http://{host}:{inside.port}/").code == "address_refused"
    assert inside.requests == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"]]
)
def test_a_name_that_leads_inside_is_refused_even_if_it_leads_outside_too(
    inside: Receiver, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
):
    names(monkeypatch, addresses)

    assert refusal(f"http://rebind.example:{inside.port}/").code == "address_refused"
    assert inside.requests == []


def test_a_name_that_changes_after_the_check_changes_nothing(
    inside: Receiver, monkeypatch: pytest.MonkeyPatch
):
    asked = names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    connected: list[str] = []

    def connect(address: tuple[str, int], *args: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)

    assert refusal(f"http://rebind.example:{inside.port}/").code == "unreachable"
    assert connected == ["93.184.216.34"]
    assert asked == ["rebind.example"]
    assert inside.requests == []


def test_redirects_are_not_followed(inside: Receiver):
    with receiver() as target:
        inside.status, inside.headers = 307, {"Location": target.url}

        error = refusal(inside.url, allowed=LOOPBACK)

        assert (error.code, error.http_status) == ("redirected", 307)
        assert target.requests == []


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_another_status_than_success_is_a_failure(inside: Receiver, status: int):
    inside.status = status
    error = refusal(inside.url, allowed=LOOPBACK)
    assert (error.code, error.http_status) == ("answered", status)


def test_a_server_that_keeps_silent_or_drips_is_hung_up_on(inside: Receiver):
    inside.drip = True
    with silent_port() as port:
        for url in (f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", inside.url):
            began = time.monotonic()
            assert refusal(url, allowed=LOOPBACK, limit_s=0.3).code == "timed_out"
            assert time.monotonic() - began < 3


def test_what_is_not_there_not_http_or_has_no_certificate_is_told_apart(inside: Receiver):
    assert refusal(f"http://127.0.0.1:{free_port()}/", allowed=LOOPBACK).code == "unreachable"
    assert refusal(f"https://127.0.0.1:{inside.port}/", allowed=LOOPBACK).code == "unreachable"
    assert refusal("http://nothing.invalid/").code == "name_unknown"


def test_a_certificate_must_be_that_of_the_name(tls_port: int, monkeypatch: pytest.MonkeyPatch):
    names(monkeypatch, ["127.0.0.1"])
    error = refusal(f"https://studio.example:{tls_port}/", allowed=LOOPBACK)
    assert error.code == "certificate_refused"


def test_the_address_that_is_connected_to_is_the_one_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
):
    names(monkeypatch, ["93.184.216.34"])
    assert resolve(parse_url("https://studio.example/"), []) == "93.184.216.34"
