"""Everything that changes uploads.

Somebody sends a sound (`accept_upload`); a worker takes it under a lease (`claim_uploads`,
`renew_uploads`), and answers (`complete_upload`, `fail_upload`): then the bytes are deleted.
`sweep_uploads` gives the work of the dead to the living and deletes what is left over.
"""

from earmark.uploads.services.accepting import accept_upload, discard_upload
from earmark.uploads.services.sweeping import sweep_uploads
from earmark.uploads.services.working import (
    ClaimedUpload,
    claim_uploads,
    complete_upload,
    fail_upload,
    release_uploads,
    renew_uploads,
)

__all__ = [
    "ClaimedUpload",
    "accept_upload",
    "claim_uploads",
    "complete_upload",
    "discard_upload",
    "fail_upload",
    "release_uploads",
    "renew_uploads",
    "sweep_uploads",
]
