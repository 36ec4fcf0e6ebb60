from __future__ import annotations

import pytest

from earmark.review.statistics import (
    FEWEST,
    NOT_REACHED,
    TOO_FEW,
    Judged,
    agreement,
    precision_at,
    recall_at,
    suggest_threshold,
    wilson,
)


def judged(score: float, right: int, wrong: int = 0, weight: float = 1.0) -> list[Judged]:
    return [Judged(score, True, weight)] * right + [Judged(score, False, weight)] * wrong


@pytest.mark.parametrize(
    ("right", "number", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval(right: int, number: int, low: float, high: float):
    assert wilson(right, number) == pytest.approx((low, high), abs=5e-5)


def test_precision_and_recall_of_equal_weights_are_plain_shares():
    found = [*judged(0.9, 8, 2), *judged(0.2, 2, 8)]

    precision, recall = precision_at(found, 0.5), recall_at(found, 0.5)

    assert (precision.value, precision.decisions) == (0.8, 10)
    assert (precision.low, precision.high) == pytest.approx(wilson(8, 10))
    assert (recall.value, recall.decisions) == (0.8, 10)


def test_a_decision_counts_for_as_many_tags_as_it_stands_for():
    found = [*judged(0.9, 9, 1, weight=20.0), *judged(0.2, 5, 15)]

    assert precision_at(found, 0.1).value == pytest.approx((180 + 5) / (200 + 20))
    assert recall_at(found, 0.5).value == pytest.approx(180 / 185)


def test_few_heavy_decisions_are_not_taken_for_many():
    heavy = precision_at([*judged(0.9, 3, 1, weight=100.0), *judged(0.8, 60, 20)], 0.0)
    plain = precision_at(judged(0.9, 63, 21), 0.0)

    assert heavy.value == plain.value == 0.75
    assert heavy.low is not None
    assert plain.low is not None
    assert heavy.low < plain.low - 0.1


def test_the_lowest_threshold_that_surely_gives_the_precision_is_suggested():
    found = [*judged(0.9, 60), *judged(0.6, 60, 1), *judged(0.3, 30, 30)]

    told = suggest_threshold(found, precision=0.9)

    assert (told.threshold, told.reason) == (0.6, "")
    assert told.precision == precision_at(found, 0.6)
    assert told.recall.value == pytest.approx(120 / 150)


def test_too_little_data_suggests_nothing_however_good_it_looks():
    told = suggest_threshold(judged(0.9, FEWEST - 1), precision=0.5)

    assert (told.threshold, told.reason) == (None, TOO_FEW)
    assert told.precision.decisions == FEWEST - 1


def test_an_estimate_that_reaches_the_precision_by_luck_is_not_enough():
    found = judged(0.9, 28, 2)

    told = suggest_threshold(found, precision=0.9)

    assert precision_at(found, 0.9).value == pytest.approx(28 / 30)
    assert (told.threshold, told.reason) == (None, NOT_REACHED)


def test_nothing_is_known_where_nobody_decided():
    share = precision_at([], 0.5)

    assert (share.value, share.low, share.decisions) == (None, None, 0)
    assert suggest_threshold([], precision=0.9).reason == TOO_FEW


def test_kappa_is_cohens():
    # 35 of 50 agree, by chance half would: (0.7 - 0.5) / (1 - 0.5).
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15

    found = agreement(pairs)

    assert (found.both_right, found.first_right, found.second_right, found.both_wrong) == (
        *(20, 5, 10, 15),
    )
    assert found.kappa == pytest.approx(0.4)
    assert found.items == 50


def test_kappa_is_not_defined_where_everybody_always_says_the_same():
    assert agreement([(True, True)] * 9).kappa is None
    assert agreement([]).kappa is None
