from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from earmark_classifiers.evaluation import metrics
from earmark_classifiers.evaluation.calibration import reliability
from earmark_classifiers.evaluation.resampling import (
    difference,
    draw_counts,
    interval,
    resample,
)

SEEDS = range(5)


def random_case(seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Truth and scores of 60 clips of 5 classes, every class present."""
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(5), rng.integers(5, size=55)])
    scores = rng.random((60, 5)) + 0.4 * metrics.one_hot(classes, 5)
    return classes, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_figures_equal_those_of_scikit_learn(seed: int, ties: bool) -> None:
    classes, scores = random_case(seed, ties=ties)
    truth = metrics.one_hot(classes, 5)
    ours = metrics.figures(truth, scores)
    given = scores.argmax(axis=1)
    macro = reference.precision_recall_fscore_support(
        classes, given, average="macro", zero_division=0
    )
    each = reference.precision_recall_fscore_support(
        classes, given, average=None, labels=range(5), zero_division=0
    )
    assert ours.accuracy == pytest.approx(reference.accuracy_score(classes, given))
    assert (ours.macro_precision, ours.macro_recall, ours.macro_f1) == pytest.approx(macro[:3])
    assert ours.mean_average_precision == pytest.approx(
        reference.average_precision_score(truth, scores, average="macro")
    )
    table = ours.classes
    np.testing.assert_allclose((table.precision, table.recall, table.f1), each[:3])
    np.testing.assert_array_equal(table.support, each[3])
    np.testing.assert_allclose(
        table.average_precision, reference.average_precision_score(truth, scores, average=None)
    )


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_curves_equal_those_of_scikit_learn(seed: int, ties: bool) -> None:
    classes, scores = random_case(seed, ties=ties)
    truth = classes == 0
    precision, recall, thresholds = metrics.precision_recall(truth, scores[:, 0])
    theirs = reference.precision_recall_curve(truth, scores[:, 0])
    np.testing.assert_allclose(precision[::-1], theirs[0][:-1])
    np.testing.assert_allclose(recall[::-1], theirs[1][:-1])
    np.testing.assert_allclose(thresholds[::-1], theirs[2])


@pytest.mark.parametrize("seed", SEEDS)
def test_confusion_equals_that_of_scikit_learn(seed: int) -> None:
    classes, scores = random_case(seed)
    given = metrics.top_classes(scores)
    np.testing.assert_array_equal(
        metrics.confusion(classes, given, 6),
        reference.confusion_matrix(classes, given, labels=range(6)),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_of_clips_with_several_classes_equal_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, scores = rng.random((80, 6)) < 0.3, rng.random((80, 6))
    given = metrics.one_hot(scores.argmax(axis=1), 6)
    ours = metrics.figures(truth, scores)
    theirs = reference.precision_recall_fscore_support(
        truth, given, average="macro", zero_division=0
    )
    assert (ours.macro_precision, ours.macro_recall, ours.macro_f1) == pytest.approx(theirs[:3])
    assert ours.mean_average_precision == pytest.approx(
        reference.average_precision_score(truth, scores, average="macro")
    )
    assert ours.accuracy == pytest.approx((truth & given).any(axis=1).mean())


def test_order_of_clips_with_equal_scores_does_not_matter() -> None:
    scores = np.array([0.5, 0.5, 0.5, 0.5])
    for hit in range(4):
        truth = np.arange(4) == hit
        assert metrics.average_precision(truth, scores) == 0.25


def test_average_precision_by_hand() -> None:
    truth = np.array([True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    assert metrics.average_precision(truth, scores) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_a_class_without_clips_has_no_figures_and_counts_in_no_mean() -> None:
    truth = metrics.one_hot(np.array([0, 1, 0]), 3)
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]])
    ours = metrics.figures(truth, scores)
    assert ours.classes.support.tolist() == [2, 1, 0]
    assert ours.classes.precision.tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(ours.classes.recall[2])
    assert np.isnan(ours.classes.f1[2])
    assert np.isnan(ours.classes.average_precision[2])
    assert ours.macro_recall == pytest.approx(0.75)
    assert ours.macro_precision == 1.0
    assert ours.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_one_class_is_always_right() -> None:
    ours = metrics.figures(np.ones((3, 1), bool), np.array([[0.1], [0.2], [0.3]]))
    assert (ours.accuracy, ours.macro_f1, ours.mean_average_precision) == (1.0, 1.0, 1.0)


def test_no_clips_have_no_figures() -> None:
    ours = metrics.figures(np.zeros((0, 2), bool), np.zeros((0, 2)))
    assert ours.clips == 0
    assert np.isnan([ours.accuracy, ours.macro_f1, ours.mean_average_precision]).all()


def test_scores_that_are_no_numbers_or_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        metrics.figures(np.ones((1, 2), bool), np.array([[0.1, np.nan]]))
    with pytest.raises(ValueError, match="equal matrices"):
        metrics.figures(np.ones((1, 2), bool), np.ones((2, 2)))
    with pytest.raises(ValueError, match="at least one clip"):
        metrics.precision_recall(np.zeros(2, bool), np.ones(2))


def test_reliability_by_hand() -> None:
    confidence = np.array([0.0, 0.1, 0.15, 0.95, 1.0, 1.0])
    right = np.array([False, False, True, True, True, False])
    told = reliability(confidence, right, bins=10)
    assert told.count.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert told.confidence[[0, 1, 9]] == pytest.approx([0.05, 0.15, 2.95 / 3])
    assert told.share[[0, 1, 9]] == pytest.approx([0.0, 1.0, 2 / 3])
    assert np.isnan(told.share[5])
    assert told.error == pytest.approx((2 * 0.05 + 0.85 + 3 * (0.95 / 3)) / 6)


def test_confidence_that_keeps_its_word_has_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert reliability(confidence, right).error == pytest.approx(0.0)


def test_confidence_outside_of_zero_and_one_is_refused() -> None:
    with pytest.raises(ValueError, match="lie in"):
        reliability(np.array([1.2]), np.array([True]))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_figures_of_a_draw_are_those_of_its_clips(seed: int, ties: bool) -> None:
    classes, scores = random_case(seed, ties=ties)
    truth = metrics.one_hot(classes, 6)  # the last class has no clips
    scores = np.column_stack([scores, np.full(60, 0.3)])
    counts = draw_counts(range(60), draws=8, seed=seed)
    found = resample(truth, scores, counts)
    for row, count in enumerate(counts.astype(int)):
        drawn = np.repeat(np.arange(60), count)
        told = metrics.figures(truth[drawn], scores[drawn])
        assert found.accuracy[row] == pytest.approx(told.accuracy)
        assert found.macro_f1[row] == pytest.approx(told.macro_f1)
        assert found.mean_average_precision[row] == pytest.approx(
            told.mean_average_precision, abs=1e-6
        )


def outcome(hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth and scores of clips of one class among two, right where `hits` says so."""
    return metrics.one_hot(np.zeros(len(hits), int), 2), metrics.one_hot(1 - hits.astype(int), 2)


def accuracies(hits: np.ndarray, counts: np.ndarray) -> np.ndarray:
    truth, right = outcome(hits)
    return resample(truth, right.astype(float), counts).accuracy


def test_intervals_hold_the_true_value_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(100):
        hits = rng.random(120) < 0.7
        counts = draw_counts(range(120), draws=200, seed=seed)
        found = interval(hits.mean(), accuracies(hits, counts))
        held += found.low <= 0.7 <= found.high
    assert 88 <= held <= 99


def test_excerpts_of_one_recording_make_a_figure_less_sure() -> None:
    hits = np.repeat(np.arange(20) % 2 == 0, 10)

    def width(groups: list[int]) -> float:
        found = interval(hits.mean(), accuracies(hits, draw_counts(groups, draws=300)))
        return found.high - found.low

    assert width([row // 10 for row in range(200)]) > 2 * width(list(range(200)))


def test_draws_hold_whole_groups_and_are_the_same_for_the_same_seed() -> None:
    counts = draw_counts(["a", "b", "a", "c"], draws=50, seed=3)
    assert counts.shape == (50, 4)
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()
    again, other = (draw_counts(["a", "b", "a", "c"], draws=50, seed=seed) for seed in (3, 4))
    assert (counts == again).all()
    assert (counts != other).any()


def test_a_small_but_constant_lead_is_clear_where_single_intervals_overlap() -> None:
    rng = np.random.default_rng(0)
    second = rng.random(150) < 0.6
    first = second | (np.arange(150) % 12 == 0)  # never worse on any clip
    counts = draw_counts(range(150), draws=400)
    draws = [accuracies(hits, counts) for hits in (first, second)]
    a, b = (interval(h.mean(), d) for h, d in zip((first, second), draws, strict=True))
    found = difference(a.value, b.value, *draws)
    assert a.low < b.high
    assert found.is_clear
    assert found.first_better > 0.98
    assert found.interval.value == pytest.approx(first.mean() - second.mean())


def test_no_clips_have_no_intervals() -> None:
    found = resample(np.zeros((0, 2), bool), np.zeros((0, 2)), draw_counts([], draws=3))
    assert np.isnan(found.accuracy).all()
    assert np.isnan(interval(float("nan"), found.mean_average_precision).low)


def test_excerpts_of_a_single_recording_say_nothing_of_others() -> None:
    truth = np.eye(2, dtype=bool)[[0, 1, 0]]
    scores = truth * 1.0
    better = resample(truth, scores, draw_counts(["a"] * 3)).accuracy
    worse = resample(truth, scores[::-1] * 0, draw_counts(["a"] * 3)).accuracy
    assert np.isnan(interval(1.0, better).low)
    assert not difference(1.0, 2 / 3, better, worse).is_clear


def test_equal_classifiers_do_not_differ() -> None:
    values = np.random.default_rng(0).random(100)
    found = difference(0.5, 0.5, values, values)
    assert not found.is_clear
    assert found.first_better == 0.5


def test_draws_of_different_number_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="paired"):
        difference(0, 0, np.zeros(3), np.zeros(4))
