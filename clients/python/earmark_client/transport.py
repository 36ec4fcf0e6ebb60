"""Requests: with the token, with errors as exceptions, and again where that can do no harm."""

from __future__ import annotations

import contextlib
import random
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import httpx

from earmark_client.errors import EarmarkConnectionError, error_of

Query: TypeAlias = Mapping[str, str | int | float | bool | Sequence[str | int] | None]

_AGAIN = frozenset({429, 502, 503, 504})
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Transport:
    """Sends requests to one server.

    A request is sent again, after a pause, if the connection broke or the server is overloaded or
    on its way up, but only if it may come twice: GET, PUT and DELETE always, POST where it has an
    ``Idempotency-Key``, by which the server knows that it is the same one.

    Parameters
    ----------
    url : str
        Of the server, without ``/api/v1``.
    token : str or None
        ``em_...``.
    timeout : float
        Seconds without any sign of the server.
    tries : int
        Of a request that may come twice.
    """

    def __init__(self, url: str, token: str | None, timeout: float, tries: int) -> None:
        headers = {"Accept": "application/json", "User-Agent": "earmark-client"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/", headers=headers, timeout=timeout
        )
        self._tries = tries

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> Any:
        """Return what is there."""
        return self.send("GET", path, query=query).json()

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """Have something done, once, however often the connection breaks."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return _value(self.send("POST", path, body=body, headers={**key, **(headers or {})}))

    def post_once(self, path: str, body: object = None) -> Any:
        """Have something done that must not be tried again."""
        return _value(self.send("POST", path, body=body, tries=1))

    def patch(self, path: str, body: object) -> Any:
        """Change something; tried once."""
        return _value(self.send("PATCH", path, body=body, tries=1))

    def delete(self, path: str) -> None:
        """Remove something."""
        self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        tries: int | None = None,
    ) -> httpx.Response:
        """Return the answer to a request, read to its end.

        Raises
        ------
        EarmarkConnectionError
            If there is none.
        EarmarkHttpError
            If it is an error.
        """
        request = self._http.build_request(
            method, path, params=_params(query), json=body, headers=headers
        )
        for pause in _pauses(tries or self._tries):
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                if pause is None:
                    raise EarmarkConnectionError(f"{request.url}: {error}") from error
                time.sleep(pause)
                continue
            if response.is_success:
                return response
            if pause is None or response.status_code not in _AGAIN:
                raise error_of(response)
            time.sleep(max(pause, _asked_pause(response)))
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def stream(
        self,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        """Give an answer while it comes.

        Raises
        ------
        EarmarkConnectionError
            If there is none, or it breaks off.
        EarmarkHttpError
            If it is an error.
        """
        try:
            with self._http.stream("GET", path, params=_params(query), headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                yield response
        except httpx.TransportError as error:
            raise EarmarkConnectionError(f"{path}: {error}") from error


def _params(query: Query | None) -> dict[str, Any] | None:
    return {name: value for name, value in (query or {}).items() if value is not None} or None


def _value(response: httpx.Response) -> Any:
    return response.json() if response.content else None


def _pauses(tries: int) -> Iterator[float | None]:
    """Yield how long to wait after each try; None after the last."""
    for number in range(tries - 1):
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number)
        yield random.uniform(longest / 2, longest)  # noqa: S311 - no secret
    yield None


def _asked_pause(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(_LONGEST_PAUSE_S, float(text)) if text.isdecimal() else 0.0
