"""``Idempotency-Key``: a request that is sent again is answered again, not done again.

The row of the key, what the view does and the stored answer are one transaction. A second request
that arrives while the first is under way waits at the unique key of that row; if the first one
fails or its process dies, nothing of it is there and the second one is the first.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from earmark.core.errors import EarmarkError
from earmark.core.models import StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_FOR = timedelta(hours=24)
_LONGEST_KEY = 255
_KEPT_HEADERS = ("ETag", "Location", "Cache-Control")

P = ParamSpec("P")
V = TypeVar("V")
Handler = Callable[Concatenate[V, Request, P], Response]


class KeyReusedError(EarmarkError):
    """The key was sent with another request before."""

    code = "idempotency_key_reused"
    status = 409
    hint = "Take a new key for each request; send the old one only to repeat the same request."


def idempotent(handler: Handler[V, P]) -> Handler[V, P]:
    """Make the handler of a POST heed ``Idempotency-Key``; the OpenAPI document names it then.

    Answers below 400 are kept for `KEPT_FOR`. Not for handlers that answer with secrets or take
    uploads: answers are stored, bodies are read at once.
    """

    @functools.wraps(handler)
    def answer(self: V, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None or not isinstance(request.user, User):
            return handler(self, request, *args, **kwargs)
        _check(key)
        do = functools.partial(handler, self, request, *args, **kwargs)
        return _answer_once(do, request.user, key, _fingerprint(request))

    answer.is_idempotent = True  # type: ignore[attr-defined]
    return answer


def _check(key: str) -> None:
    if not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
        problem = f"Must be 1 to {_LONGEST_KEY} printable ASCII characters."
        raise ValidationError({HEADER: [problem]})


def _fingerprint(request: Request) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


def _answer_once(do: Callable[[], Response], user: User, key: str, fingerprint: str) -> Response:
    old = StoredAnswer.objects.filter(user=user, created_at__lt=timezone.now() - KEPT_FOR)
    old.delete()
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = StoredAnswer.objects.create(user=user, key=key, fingerprint=fingerprint)
        except IntegrityError:
            return _replay(user, key, fingerprint)
        response = do()
        if response.status_code < 400:
            row.status = response.status_code
            row.body = json.loads(json.dumps(response.data, cls=JSONEncoder))
            row.headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
            row.save()
        else:
            row.delete()
        return response


def _replay(user: User, key: str, fingerprint: str) -> Response:
    stored = StoredAnswer.objects.get(user=user, key=key)
    if stored.fingerprint != fingerprint:
        raise KeyReusedError(f"The {HEADER} {key!r} was sent with another request before.")
    headers: dict[str, Any] = {**stored.headers, REPLAYED: "true"}
    return Response(stored.body, status=stored.status, headers=headers)
