"""Signatures by which receivers know that a delivery is ours and fresh. Pure functions.

``X-Earmark-Signature: t=1767225600,v1=5257a8...``: `t` is when it was signed, `v1` the HMAC-SHA256
of ``t``, a full stop and the body, in hexadecimal. The time is part of what is signed, so that
nobody can send an old delivery again. `earmark_client.webhooks.verify` is the other side of it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

HEADER = "X-Earmark-Signature"
_PREFIX = "whsec_"


def make_secret() -> str:
    """Return a new secret of 256 bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def sign(*, secret: str, body: bytes, now: int) -> str:
    """Return the header's value for a body that is sent now (seconds since 1970)."""
    signed = b"%d.%b" % (now, body)
    digest = hmac.new(secret.encode("ascii"), signed, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"
