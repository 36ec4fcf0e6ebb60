"""Everything that changes libraries and their files."""

from earmark.library.services.identification import (
    AudioFacts,
    Identity,
    identify_file,
    mark_failed,
    mark_missing,
    record_facts,
    record_stat,
)
from earmark.library.services.registration import check_registration, register_library
from earmark.library.services.scanning import (
    ScanProblem,
    ScanProgress,
    ScanReport,
    scan_library,
)
from earmark.library.services.scans import claim_scan, request_scan, run_next_scan

__all__ = [
    "AudioFacts",
    "Identity",
    "ScanProblem",
    "ScanProgress",
    "ScanReport",
    "check_registration",
    "claim_scan",
    "identify_file",
    "mark_failed",
    "mark_missing",
    "record_facts",
    "record_stat",
    "register_library",
    "request_scan",
    "run_next_scan",
    "scan_library",
]
