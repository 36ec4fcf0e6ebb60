"""Headers that tell browsers what pages of Earmark may do: nothing that they do not need."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""No page has scripts or styles of its own in the markup, so none are allowed there."""

PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware(MiddlewareMixin):
    """Adds the headers that Django 5.2 does not know; a view may set a stricter one itself."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add them."""
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
