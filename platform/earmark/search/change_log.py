"""What the index follows from, and so wants to be told of."""

from __future__ import annotations

from earmark.core.change_log import ChangeLog
from earmark.core.change_triggers import Source
from earmark.search.models import EmbeddingChange, SearchChange

FILES = ChangeLog(
    model=SearchChange,
    column="file_id",
    sources=(
        Source(
            "library_audiofile",
            "id",
            (
                *("library_id", "path", "state", "container", "channels", "sample_rate"),
                *("duration", "mtime_ns"),
            ),
        ),
        Source("tagging_tagset", "file_id", ("basis_id", "search_words", "catid")),
        Source("tagging_fileevidence", "file_id", ("said",)),
        Source("tagging_tag", "file_id", ("name", "confidence", "decision", "origin")),
    ),
    everything=(("library_audiofile", "id"), ("search_searchdocument", "file_id")),
)
"""Files whose place in the index may be another now."""

EMBEDDINGS = ChangeLog(
    model=EmbeddingChange,
    column="prediction_set_id",
    sources=(Source("jobs_predictionset", "id", ("embedding",)),),
    everything=(("jobs_predictionset", "id"), ("search_embeddingrow", "prediction_set_id")),
)
"""Embeddings that want a row of the matrix, or have gone."""
