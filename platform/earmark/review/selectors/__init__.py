"""Questions about the queue and about what reviewers found."""

from earmark.review.selectors.items import (
    ItemFilter,
    ItemView,
    Neighbour,
    count_items,
    get_item,
    get_item_view,
    list_decisions,
    list_items,
)
from earmark.review.selectors.learning import (
    LabelReport,
    LabelThreshold,
    get_label_reports,
    get_thresholds,
)
from earmark.review.selectors.training import iterate_training_rows

__all__ = [
    "ItemFilter",
    "ItemView",
    "LabelReport",
    "LabelThreshold",
    "Neighbour",
    "count_items",
    "get_item",
    "get_item_view",
    "get_label_reports",
    "get_thresholds",
    "iterate_training_rows",
    "list_decisions",
    "list_items",
]
