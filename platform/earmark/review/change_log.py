"""What items follow from, and the queue so wants to be told of."""

from __future__ import annotations

from earmark.core.change_log import ChangeLog
from earmark.core.change_triggers import Source
from earmark.review.models import DueFile

TAGS = ChangeLog(
    model=DueFile,
    column="file_id",
    sources=(
        Source("tagging_tagset", "file_id", ("basis_id", "audio_hash")),
        Source(
            "tagging_tag",
            "file_id",
            ("name", "confidence", "decision", "label", "mid", "origin", "why"),
        ),
    ),
    everything=(("tagging_tagset", "file_id"), ("review_reviewitem", "file_id")),
)
"""Files whose tags are others now than those their items were made from."""
