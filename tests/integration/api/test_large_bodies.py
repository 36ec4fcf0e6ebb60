"""Bodies that are too large do not get into memory: a real web server, asked over a socket."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from tests.live_server import live_server

LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
PIECE = b" " * (1 << 16)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with live_server() as address:
        yield address


def ask(server: str, path: str, *headers: str, pieces: int = 0) -> tuple[int, dict[str, object]]:
    """Send the head of a request, pieces of a body and one byte more; return what is answered."""
    place = urlsplit(server)
    head = "\r\n".join((f"POST {path} HTTP/1.1", f"Host: {place.netloc}", *headers, "", ""))
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(head.encode())
        for _ in range(pieces):
            connection.sendall(b"%x\r\n%b\r\n" % (len(PIECE), PIECE))
        if pieces:
            connection.sendall(b"1\r\nx\r\n")
        answer = receive(connection)
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])


def receive(connection: socket.socket) -> bytes:
    """Return what comes until the server hangs up, which it may do without having read all."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            answer += piece
    return answer


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server: str, kind: str):
    status, body = ask(
        server, "/api/v1/runs", f"Content-Type: {kind}", f"Content-Length: {LIMIT + 1}"
    )
    assert (status, body["code"]) == (413, "too_large")


def test_a_body_that_says_no_length_is_cut_off_where_it_is_too_large(server: str):
    chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")

    status, body = ask(server, "/api/v1/runs", *chunked, pieces=LIMIT // len(PIECE))

    assert (status, body["code"]) == (413, "too_large")


def test_a_form_with_a_sound_has_the_limit_of_sounds(server: str):
    largest = settings.EARMARK_UPLOAD_MAX_MB + 1
    form = "Content-Type: multipart/form-data; boundary=x"

    status, body = ask(server, "/api/v1/uploads", form, f"Content-Length: {(largest << 20) + 1}")

    assert status == 413
    assert f"{largest} MB" in str(body["message"])
