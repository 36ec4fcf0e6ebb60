"""Everything that changes the queue or adds to the log."""

from earmark.review.services.batches import (
    BatchResult,
    LeftOut,
    Preview,
    decide_batch,
    preview_batch,
)
from earmark.review.services.deciding import Word, decide, undo_batch, undo_decision
from earmark.review.services.importing import Imported, RowError, import_decisions
from earmark.review.services.leasing import (
    LEASE,
    Lease,
    lease_items,
    release_lease,
    renew_lease,
)
from earmark.review.services.refreshing import (
    Refreshed,
    refresh_files,
    refresh_library,
    refresh_noted,
    sweep_items,
)

__all__ = [
    "LEASE",
    "BatchResult",
    "Imported",
    "Lease",
    "LeftOut",
    "Preview",
    "Refreshed",
    "RowError",
    "Word",
    "decide",
    "decide_batch",
    "import_decisions",
    "lease_items",
    "preview_batch",
    "refresh_files",
    "refresh_library",
    "refresh_noted",
    "release_lease",
    "renew_lease",
    "sweep_items",
    "undo_batch",
    "undo_decision",
]
