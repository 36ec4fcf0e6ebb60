"""A short run of the fuzzer; `python -m tests.fuzz.metadata` is the long one."""

from __future__ import annotations

import pytest

from tests.fuzz.metadata import CONTAINERS, MAX_BYTES, fuzz, peak_bytes


@pytest.mark.parametrize("container", CONTAINERS)
def test_mutated_files_are_written_safely_or_refused(container: str) -> None:
    before = peak_bytes()
    report = fuzz(container, 150, first_seed=1_000_000)
    assert report.failures == []
    assert report.outcomes.total() == 150
    assert len(report.outcomes) > 1, "the mutations must lead to more than one outcome"
    assert peak_bytes() - before < MAX_BYTES
