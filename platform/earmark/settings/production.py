"""Servers behind a proxy that speaks HTTPS. Every secret comes from the environment."""

from __future__ import annotations

from earmark.settings import env, shared
from earmark.settings.base import *  # noqa: F403
from earmark.settings.base import DATA_DIR

DEBUG = False
SECRET_KEY = env.read_required(
    "EARMARK_SECRET_KEY",
    default_words="required in production; elsewhere made once and kept in the data folder",
    meaning="Secret key of a production installation: 50 random characters or more.",
)
ALLOWED_HOSTS = shared.read_allowed_hosts(required=True)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
DATABASES = {"default": shared.read_database(None)}
EARMARK_LIBRARY_ROOTS = shared.read_library_roots([])

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
