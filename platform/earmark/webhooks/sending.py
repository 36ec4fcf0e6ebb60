"""One delivery over HTTP: to an address that was checked, within limits, and nowhere else.

This is http.client of the standard library: the address is looked up here, checked, and connected
to as it is, which leaves no moment in which a name could lead elsewhere. Redirects are not
followed, proxies not asked, and nothing of the answer but its status is read.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from earmark.webhooks.addresses import Network, is_allowed
from earmark.webhooks.errors import DeliveryFailedError, InvalidWebhookError

LIMIT_S = 10.0
"""For a whole delivery: connecting, sending, and the status of the answer."""

LONGEST_URL = 2000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """Where a delivery goes.

    Attributes
    ----------
    scheme : str
        ``https`` or ``http``.
    host : str
        Name or address, in ASCII; an IPv6 address without brackets.
    port : int
    path : str
        With the query.
    """

    scheme: str
    host: str
    port: int
    path: str


def parse_url(url: str) -> Target:
    """Take an address apart that somebody has named for a webhook.

    Raises
    ------
    InvalidWebhookError
        If it is not an address that can be asked, or holds a name and a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidWebhookError("This is not an address of the web.") from error
    if parts.scheme not in _PORTS or not host:
        raise InvalidWebhookError("The address must begin with https:// or http:// and a name.")
    if parts.username is not None or parts.password is not None:
        raise InvalidWebhookError("The address must not hold a user name or password.")
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidWebhookError(
            f"The address must be at most {LONGEST_URL} plain characters; write others as %XX."
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, path)


def send(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network],
    limit_s: float = LIMIT_S,
) -> int:
    """Post a body and return the status of the answer, 200 to 299.

    Raises
    ------
    DeliveryFailedError
        If it did not arrive, or the answer has another status.
    """
    address = resolve(target, allowed)
    connection = _Connection(target, address, limit_s)
    late = threading.Event()
    alarm = threading.Timer(limit_s, _hang_up, (connection, late))
    alarm.daemon = True
    alarm.start()
    try:
        status = _ask(connection, target, body, headers)
    except (HTTPException, OSError) as error:
        raise _explain(error, late=late.is_set()) from error
    finally:
        alarm.cancel()
        connection.close()
    if late.is_set():
        raise _too_late()  # headers that were cut off by hanging up look like all there are
    if 300 <= status < 400:
        raise DeliveryFailedError(
            "redirected", f"It was answered with a redirect ({status}).", http_status=status
        )
    if not 200 <= status < 300:
        raise DeliveryFailedError(
            "answered", f"It was answered with status {status}.", http_status=status
        )
    return status


def resolve(target: Target, allowed: Sequence[Network]) -> str:
    """Return the address to connect to.

    A name with one address that is not allowed is refused altogether: it is either a mistake or
    an attempt.

    Raises
    ------
    DeliveryFailedError
        If there is no such name, or it leads where webhooks may not.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryFailedError("name_unknown", f"Nobody knows {target.host}.") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not is_allowed(address, allowed):
            raise DeliveryFailedError(
                "address_refused",
                f"{target.host} leads to an address that is not public. If it is meant to, its "
                "range can be allowed with EARMARK_WEBHOOK_ALLOW_PRIVATE.",
            )
    return addresses[0]


class _Connection(HTTPConnection):
    """A connection to an address, for a name."""

    def __init__(self, target: Target, address: str, limit_s: float) -> None:
        super().__init__(target.host, target.port, timeout=limit_s)
        self.default_port = _PORTS[target.scheme]
        self._address = address
        self._secure = target.scheme == "https"

    def connect(self) -> None:
        """Connect to the address that was checked; the certificate must be that of the name."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            # The handshake comes after the assignment, so that it can be hung up too.
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


def _ask(
    connection: HTTPConnection, target: Target, body: bytes, headers: Mapping[str, str]
) -> int:
    connection.request("POST", target.path, body, dict(headers))
    return connection.getresponse().status


def _hang_up(connection: HTTPConnection, late: threading.Event) -> None:
    """End a connection whose time is over, whatever it is doing."""
    late.set()
    if connection.sock is not None:
        with suppress(OSError):  # it has ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _explain(error: Exception, *, late: bool) -> DeliveryFailedError:
    if late or isinstance(error, TimeoutError):
        return _too_late()
    if isinstance(error, ssl.SSLCertVerificationError):
        return DeliveryFailedError(
            "certificate_refused", f"The certificate is not valid: {error.verify_message}."
        )
    if isinstance(error, HTTPException):
        return DeliveryFailedError("no_http", "The answer is not HTTP.")
    reason = getattr(error, "strerror", None) or type(error).__name__
    return DeliveryFailedError("unreachable", f"No connection could be made: {reason}.")


def _too_late() -> DeliveryFailedError:
    return DeliveryFailedError("timed_out", "There was no answer in time.")
