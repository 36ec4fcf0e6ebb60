"""What a token may be used for."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """A kind of use. None includes another: a token that is to read and write has both."""

    READ = "read", "look at what is there"
    WRITE = "write", "change tags and files, start scans and runs"
    REVIEW = "review", "decide about tags in the review queue"
    ADMIN = "admin", "accounts, tokens, roles, libraries and settings"
