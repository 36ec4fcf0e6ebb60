from __future__ import annotations

import pytest

from earmark.review.opinions import Opinion, settle


def opinions(*actions: str) -> list[Opinion]:
    return [Opinion(number, action) for number, action in enumerate(actions, start=1)]


@pytest.mark.parametrize(
    ("actions", "wanted", "verdict", "effect"),
    [
        ((), 1, "", None),
        (("accept",), 1, "right", 1),
        (("replace",), 1, "wrong", 1),
        (("accept",), 2, "", 1),
        (("accept", "add"), 2, "right", 1),
        (("accept", "reject"), 2, "", 1),
        (("accept", "reject", "replace"), 2, "wrong", 2),
        (("reject", "accept", "reject"), 2, "wrong", 1),
        (("unsure",), 1, "", None),
        (("unsure", "unsure"), 1, "unsure", None),
        (("unsure", "accept"), 1, "right", 2),
        (("unsure", "accept", "unsure"), 2, "right", 2),
    ],
)
def test_what_follows_from_opinions(
    actions: tuple[str, ...], wanted: int, verdict: str, effect: int | None
):
    outcome = settle(opinions(*actions), wanted=wanted)

    assert (outcome.verdict, outcome.effect) == (verdict, effect)
