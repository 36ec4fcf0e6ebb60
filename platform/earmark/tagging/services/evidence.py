"""What people said about files, stored before anything is derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from earmark.core.text import to_storable
from earmark.tagging.knowledge import Evidence
from earmark.tagging.models import FileEvidence


@dataclass(frozen=True)
class Found:
    """What was found in a file.

    Attributes
    ----------
    evidence : Evidence
    problem : str
        Code of the reason why the file's own tags could not be read; empty if they could.
    """

    evidence: Evidence
    problem: str = ""


def note_evidence(*, found: Mapping[int, Found]) -> None:
    """Store what was found in files, by file id, in place of what was found before."""
    now = timezone.now()
    FileEvidence.objects.bulk_create(
        (
            FileEvidence(
                file_id=file_id,
                said=to_storable(told.evidence.as_dict()),
                problem=told.problem,
                read_at=now,
            )
            for file_id, told in found.items()
        ),
        update_conflicts=True,
        unique_fields=["file"],
        update_fields=["said", "problem", "read_at"],
    )
