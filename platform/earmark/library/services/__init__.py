"""Everything that changes libraries and their files."""

from earmark.library.services.identification import (
    AudioFacts,
    Identity,
    identify_files,
    mark_failed,
    mark_missing,
    record_facts,
    record_stat,
    record_stats,
)
from earmark.library.services.locking import lock_files
from earmark.library.services.registration import check_registration, register_library
from earmark.library.services.removal import remove_library
from earmark.library.services.roles import grant_role, revoke_role
from earmark.library.services.scanning import ScanProblem, ScanReport, scan_library
from earmark.library.services.scans import (
    claim_scan,
    request_scan,
    run_next_scan,
    run_scan,
    settle_seconds_of,
    start_due_scans,
)
from earmark.library.services.updating import LibraryOptions, check_options, update_library

__all__ = [
    "AudioFacts",
    "Identity",
    "LibraryOptions",
    "ScanProblem",
    "ScanReport",
    "check_options",
    "check_registration",
    "claim_scan",
    "grant_role",
    "identify_files",
    "lock_files",
    "mark_failed",
    "mark_missing",
    "record_facts",
    "record_stat",
    "record_stats",
    "register_library",
    "remove_library",
    "request_scan",
    "revoke_role",
    "run_next_scan",
    "run_scan",
    "scan_library",
    "settle_seconds_of",
    "start_due_scans",
    "update_library",
]
