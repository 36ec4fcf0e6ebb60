"""Whether a webhook's message comes from Earmark, and has just been sent."""

from __future__ import annotations

import hashlib
import hmac
import time

from earmark_client.errors import EarmarkError

HEADER = "X-Earmark-Signature"
TOLERANCE_S = 300


class InvalidSignatureError(EarmarkError):
    """The message is not to be trusted: nothing of it should be used."""


def verify(
    *,
    body: bytes,
    signature: str,
    secret: str,
    now: float | None = None,
    tolerance: float = TOLERANCE_S,
) -> None:
    """Check a message; return nothing if it is genuine.

    Parameters
    ----------
    body : bytes
        As it came, before anything has read it as JSON.
    signature : str
        The header ``X-Earmark-Signature``.
    secret : str
        Shown when the webhook was made.
    now : float, optional
        Seconds since 1970, by default the present.
    tolerance : float
        Seconds by which clocks may differ and a message be old; an older one may be somebody's
        recording.

    Raises
    ------
    InvalidSignatureError
        If it is not.
    """
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    stamp = parts.get("t", "")
    if not (stamp.isascii() and stamp.isdecimal()):
        raise InvalidSignatureError("There is no signature.")
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), parts.get("v1", "").encode()):
        raise InvalidSignatureError("The signature is not that of this message.")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        raise InvalidSignatureError("The message was signed too long ago.")
