"""The queue of tags that wait for a person, and the log of what people said."""

from earmark.review.models.decisions import Decision, DecisionQuerySet
from earmark.review.models.items import (
    Cluster,
    DueFile,
    ReviewItem,
    ReviewItemQuerySet,
)

__all__ = [
    "Cluster",
    "Decision",
    "DecisionQuerySet",
    "DueFile",
    "ReviewItem",
    "ReviewItemQuerySet",
]
