"""The wait after a failure grows, and is spread."""

from __future__ import annotations

from datetime import timedelta

from earmark.jobs.services.backoff import delay_after

BASE = timedelta(seconds=30)


def test_each_wait_is_four_times_the_one_before():
    waits = [delay_after(tries=tries, base=BASE, chance=0.5) for tries in (1, 2, 3)]
    assert waits == [BASE, 4 * BASE, 16 * BASE]


def test_waits_are_spread_by_half_to_either_side():
    assert delay_after(tries=1, base=BASE, chance=0.0) == BASE / 2
    drawn = {delay_after(tries=1, base=BASE) for _ in range(50)}
    assert len(drawn) > 10
    assert all(BASE / 2 <= wait < BASE * 1.5 for wait in drawn)
