"""Settings of REST framework and of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from earmark.settings import env

EARMARK_API_REQUESTS_PER_MINUTE = env.read_number(
    "EARMARK_API_REQUESTS_PER_MINUTE",
    default=1200,
    meaning="Requests to the API that one token, or one user with a session, may send to a web "
    "process in a minute; 0 for any number.",
)
EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE = env.read_number(
    "EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE",
    default=60,
    meaning="The same for each address from which somebody sends requests without a valid token "
    "or session, refused ones included; requests with one are not held up by them.",
)
# Django checks what it reads into memory itself against it, REST framework does not:
# `earmark.core.body_limits` stands before both.
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    env.read_number(
        "EARMARK_BODY_MAX_MB",
        default=8,
        meaning="Megabytes that the body of a request may have, such as JSON or the CSV of a "
        "thesaurus; a form with a sound is bound by `EARMARK_UPLOAD_MAX_MB` instead.",
    )
    << 20
)

REST_FRAMEWORK: dict[str, Any] = {
    # The first one names itself in the answer to those who are nobody: 401 and not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "earmark.accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Nothing is allowed by accident: what a view does not say itself is refused.
    "DEFAULT_PERMISSION_CLASSES": ["earmark.core.api.access.HasAccess"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "earmark.core.api.pagination.ApiCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "earmark.core.api.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    # What is wanted is said in `Accept`; `format` in a query belongs to the views.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_THROTTLE_CLASSES": ["earmark.core.api.throttling.ClientThrottle"],
    # Addresses are those of connections: what a client says of itself in a header proves nothing.
    "NUM_PROXIES": 0,
    "EXCEPTION_HANDLER": "earmark.core.api.errors.handle_error",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Earmark",
    "DESCRIPTION": "Listens to sound libraries and writes what it hears into the files.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": True,
    "COMPONENT_SPLIT_REQUEST": True,
    # Choices stay where they are used: apps need not agree on a name for each `state`.
    "POSTPROCESSING_HOOKS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False},
}
