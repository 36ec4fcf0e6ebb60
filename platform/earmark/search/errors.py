"""What can go wrong when people search."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class InvalidSearchError(EarmarkError):
    """What was asked cannot be searched for."""

    code = "invalid_search"


class NoEmbeddingError(EarmarkError):
    """Nothing is known about how a sound sounds, so nothing can be compared with it."""

    code = "no_embedding"
    hint = "Tag the file with a classifier that has embeddings, such as audioset."
    status = 409
