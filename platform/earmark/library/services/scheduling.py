"""When libraries are scanned without anybody asking."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.utils import timezone

from earmark.library.models import Library

_JITTER = 0.1
"""Share of the interval by which a scan comes earlier or later, so that libraries spread out."""

_SETTLED_AFTER = timedelta(seconds=60)
"""The soonest that files which were still being copied are looked at again."""


def plan_next_scan(*, library: Library, settling: int, took: timedelta) -> None:
    """Say when a library that has just been scanned, or could not be, is due again.

    Files that were left because they may still be being copied are looked at again soon, in
    libraries without a schedule too; the longer the scan took, the later.
    """
    due: list[datetime] = []
    now = timezone.now()
    if library.scan_every is not None:
        share = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        due.append(now + share * timedelta(minutes=library.scan_every))
    if settling:
        due.append(now + max(_SETTLED_AFTER, 2 * took))
    Library.objects.filter(pk=library.pk).update(scan_due_at=min(due, default=None))
