"""How the OpenAPI document describes tokens."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens."""

    target_class = "earmark.accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the description."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token made with `earmark token create` or `POST /api/v1/tokens`.",
        }
