"""Classic learning over rows: arrays without pickles, models equal to scikit-learn's, folds."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from earmark_classifiers.calibration import Calibration, fit_calibration
from earmark_classifiers.scores import pool_owned
from earmark_classifiers.tabular.applying import ScoringModel
from earmark_classifiers.tabular.arrays import (
    ArraysUnusableError,
    Scaler,
    pack_arrays,
    take,
    unpack_arrays,
)
from earmark_classifiers.tabular.fitting import TREES, fit_forest, fit_linear, fit_svm
from earmark_classifiers.tabular.learning import Learner, learn
from earmark_classifiers.tabular.models import MODELS, Forest, Model
from earmark_classifiers.tabular.rows import (
    MAX_WINDOWS,
    Rows,
    assign_folds,
    describe_clips,
)
from earmark_classifiers.training.data import read_dataset
from earmark_classifiers.training.errors import TooFewSoundsError
from earmark_classifiers.training.sounds import decode_sounds
from earmark_plugin_api import Window
from tests.sound_classes import RATE, hiss, tone, write_classes

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]


def clouds(rows: int = 180, labels: int = 3, seed: int = 0) -> tuple[Floats, Truth]:
    """Rows around one centre a label."""
    rng = np.random.default_rng(seed)
    classes = np.arange(rows) % labels
    centres = 2 * np.random.default_rng(99).standard_normal((labels, 6))
    values = centres[classes] + rng.standard_normal((rows, 6))
    return values.astype(np.float32), np.eye(labels, dtype=bool)[classes]


def reread(model: Model, labels: int) -> Model:
    """What is left of a model after it was written and read again."""
    return type(model).from_arrays(unpack_arrays(pack_arrays(model.to_arrays())), 6, labels)


def test_arrays_come_back_as_they_were_and_equal_ones_give_equal_bytes() -> None:
    arrays = {"a": np.arange(6, dtype=np.int16).reshape(2, 3), "b": np.float32([0.5])}
    content = pack_arrays(arrays)
    assert content == pack_arrays(arrays)
    back = unpack_arrays(content)
    assert back.keys() == arrays.keys()
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)


def test_pickled_objects_are_refused_both_ways() -> None:
    with pytest.raises(ValueError, match="pickle"):
        pack_arrays({"evil": np.array([{"a": 1}], dtype=object)})
    buffer = io.BytesIO()
    np.savez(buffer, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ArraysUnusableError):
        unpack_arrays(buffer.getvalue())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x80\x04K\x01."])
def test_what_is_no_file_of_arrays_is_refused(content: bytes) -> None:
    with pytest.raises(ArraysUnusableError):
        unpack_arrays(content)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_of_arrays_is_refused_or_reads_as_it_was(seed: int) -> None:
    arrays = {"a": np.arange(1000.0), "b": np.arange(5)}
    content = bytearray(pack_arrays(arrays))
    rng = np.random.default_rng(seed)
    content[rng.integers(len(content))] ^= rng.integers(1, 256)
    try:
        told = unpack_arrays(bytes(content))
    except ArraysUnusableError:
        return
    # Not every byte of a ZIP file means something: a date does not.
    assert all(np.array_equal(told[name], array) for name, array in arrays.items() if name in told)


@pytest.mark.parametrize(
    ("array", "shape", "dtype"),
    [
        (np.zeros((2, 3), np.float32), (2, 4), np.float32),
        (np.zeros(3, np.float32), (None, 3), np.float32),
        (np.array([np.nan], np.float32), (1,), np.float32),
        (np.zeros(3, np.float32), (3,), np.int32),
    ],
    ids=["length", "axes", "nan", "kind"],
)
def test_an_array_that_does_not_fit_is_refused(
    array: npt.NDArray[np.float32], shape: tuple[int | None, ...], dtype: type
) -> None:
    with pytest.raises(ArraysUnusableError, match="'x'"):
        take({"x": array}, "x", shape, dtype)
    with pytest.raises(ArraysUnusableError, match="lacks the array 'y'"):
        take({"x": array}, "y", (1,))


def test_the_scaler_centres_and_leaves_constants_alone() -> None:
    values = np.random.default_rng(1).normal(5, 3, (500, 3)).astype(np.float32)
    values[:, 2] = 7
    scaled = Scaler.fit(values)(values)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-4)
    assert scaled.std(axis=0) == pytest.approx([1, 1, 0], abs=1e-3)
    far = Scaler.fit(values)(np.full((1, 3), 1e6, np.float32))
    assert far.max() == Scaler.LIMIT


def test_linear_models_decide_as_scikit_learn_does() -> None:
    rows, truth = clouds()
    model = reread(fit_linear(rows, truth, 0.1, seed=0), 3)
    for label in range(3):
        theirs = LogisticRegression(C=0.1, class_weight="balanced").fit(rows, truth[:, label])
        expected = theirs.decision_function(rows)
        assert model.decide(rows)[:, label] == pytest.approx(expected, abs=1e-3)


def test_support_vector_machines_decide_as_scikit_learn_does() -> None:
    rows, truth = clouds()
    model = reread(fit_svm(rows, truth, 3.0, seed=0), 3)
    for label in range(3):
        theirs = SVC(C=3.0, gamma="scale").fit(rows, truth[:, label])
        # Vectors and coefficients are kept in half precision.
        expected = theirs.decision_function(rows)
        assert model.decide(rows)[:, label] == pytest.approx(expected, abs=0.02)


def test_forests_decide_as_scikit_learn_does() -> None:
    rows, truth = clouds()
    model = reread(fit_forest(rows, truth, 0.5, seed=4), 3)
    theirs = RandomForestClassifier(TREES, max_features=0.5, random_state=4)
    shares = theirs.fit(rows, truth.argmax(axis=1)).predict_proba(rows)
    decisions = model.decide(rows)
    assert 1 / (1 + np.exp(-decisions)) == pytest.approx(np.clip(shares, 1e-3, 0.999), abs=0.005)


@pytest.mark.parametrize("fit", [fit_linear, fit_svm, fit_forest])
def test_sounds_of_several_labels_and_labels_without_sounds_are_learnt(fit) -> None:  # type: ignore[no-untyped-def]
    rows, truth = clouds(240, labels=3)
    several = np.stack((truth[:, 0], truth[:, 0] | truth[:, 1], truth[:, 2] & False), axis=1)
    several = np.concatenate((several, np.ones((240, 1), bool)), axis=1)
    decisions = reread(fit(rows, several, 0.5, 0), 4).decide(rows)
    assert ((decisions[:, :2] > 0) == several[:, :2]).mean() > 0.9
    assert (decisions[:, 2] < -1).all()  # nothing ever had it
    assert (decisions[:, 3] > 1).all()  # everything had it


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("left", lambda a: np.zeros_like(a)),  # every path would run in a circle
        ("right", lambda a: a + 10_000),
        ("leaf", lambda a: a - 1),
        ("feature", lambda a: a + 6),
        ("roots", lambda a: a[:0]),
    ],
)
def test_trees_that_are_none_are_refused(name: str, change) -> None:  # type: ignore[no-untyped-def]
    rows, truth = clouds()
    arrays = dict(fit_forest(rows, truth, 0.5, seed=0).to_arrays())
    arrays[name] = change(arrays[name])
    with pytest.raises(ArraysUnusableError):
        Forest.from_arrays(arrays, 6, 3)


def test_calibration_finds_the_sigmoid_that_made_the_outcomes() -> None:
    rng = np.random.default_rng(2)
    decisions = rng.normal(0, 2, (4000, 5)).astype(np.float32)
    truth = rng.random(decisions.shape) < 1 / (1 + np.exp(-(1.7 * decisions - 0.8)))
    found = fit_calibration(decisions, truth)
    assert (found.scale, found.offset) == pytest.approx((1.7, -0.8), abs=0.08)
    assert found.log_loss(decisions, truth) < Calibration().log_loss(decisions, truth)


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_calibration_of_decisions_that_hardly_overlap_is_sure_of_them(wrong: int) -> None:
    rng = np.random.default_rng(8)
    truth = np.arange(270) < 190
    decisions = rng.normal(np.where(truth, 6.0, -6.0), 1.5).astype(np.float32)
    decisions[:wrong] *= -1
    found = fit_calibration(decisions[:, None], truth[:, None])
    loss = found.log_loss(decisions[:, None], truth[:, None])
    # Scikit-learn's own fit, almost without regularisation, is no better than that.
    theirs = LogisticRegression(C=1e6).fit(decisions[:, None], truth)
    shares = theirs.predict_proba(decisions[:, None])[:, 1]
    best = -np.mean(np.log(np.where(truth, shares, 1 - shares)))
    assert loss == pytest.approx(best, abs=0.03)
    assert found(np.array([[-6.0], [6.0]], np.float32)).ravel() == pytest.approx([0, 1], abs=0.05)


@pytest.mark.parametrize("decisions", [np.zeros((20, 2)), np.full((20, 2), 1e6), np.eye(20, 2)])
def test_calibration_stays_finite_and_rising_whatever_it_is_fitted_to(decisions) -> None:  # type: ignore[no-untyped-def]
    for truth in (np.zeros((20, 2), bool), np.eye(20, 2, dtype=bool), np.eye(20, 2) == 0):
        found = fit_calibration(decisions.astype(np.float32), truth)
        assert found.scale > 0
        assert np.isfinite([found.scale, found.offset]).all()
        scores = found(np.array([[-1e9, 0, 1e9]], np.float32))
        assert scores[0, 0] <= scores[0, 1] <= scores[0, 2] <= 1


def rows_of(count: int, labels: int, per_group: int = 2) -> Rows:
    values, truth = clouds(count, labels)
    # Groups hold clips of one label, as excerpts of one recording do.
    groups = tuple(f"{i % labels}-{i // (labels * per_group)}" for i in range(count))
    return Rows(values, np.arange(count), truth, groups)


def test_folds_keep_groups_together_and_classes_spread() -> None:
    rows = rows_of(120, 3)
    fold = assign_folds(rows, 4, seed=1)
    by_group: dict[str, set[int]] = {}
    for group, number in zip(rows.groups, fold, strict=True):
        by_group.setdefault(group, set()).add(int(number))
    assert all(len(numbers) == 1 for numbers in by_group.values())
    for number in range(4):
        assert rows.truth[fold == number].sum(axis=0) == pytest.approx(10, abs=2)
    assert (fold != assign_folds(rows, 4, seed=2)).any()


def test_clips_without_a_label_are_spread_over_the_folds_too() -> None:
    values, _ = clouds(80, 2)
    truth = (np.arange(80) < 20)[:, None]
    rows = Rows(values, np.arange(80), truth, tuple(map(str, range(80))))
    fold = assign_folds(rows, 4, seed=0)
    assert np.bincount(fold[:20]).tolist() == [5, 5, 5, 5]
    assert np.bincount(fold[20:]).tolist() == [15, 15, 15, 15]


@pytest.mark.parametrize("fit", [fit_linear, fit_svm, fit_forest])
def test_what_was_learnt_holds_for_rows_that_were_not_seen(fit) -> None:  # type: ignore[no-untyped-def]
    learnt = learn(rows_of(120, 3), Learner(fit, (0.3, 1.0)), seed=0)
    content, settings = learnt.model.content(), learnt.model.settings()
    model = ScoringModel.read(content, settings, labels=3)
    values, truth = clouds(60, 3, seed=9)
    scores = model.score(values)
    assert ((scores > 0.5) == truth).mean() > 0.9
    assert set(learnt.losses) == {0.3, 1.0}
    assert learnt.losses[learnt.strength] == min(learnt.losses.values())


def test_sounds_of_one_recording_cannot_be_learnt_from() -> None:
    rows = dataclasses.replace(rows_of(30, 3), groups=("same",) * 30)
    with pytest.raises(TooFewSoundsError):
        learn(rows, Learner(fit_linear, (1.0,)), seed=0)


@pytest.mark.parametrize(
    "settings",
    [{}, {"model": "pickle", "features": 6, "calibration": {"scale": 1, "offset": 0}}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    rows, truth = clouds()
    content = pack_arrays(fit_linear(rows, truth, 1.0, 0).to_arrays())
    with pytest.raises(ArraysUnusableError):
        ScoringModel.read(content, settings, labels=3)


def test_every_kind_of_model_is_known_by_its_name() -> None:
    assert {kind: model.kind for kind, model in MODELS.items()} == {k: k for k in MODELS}


def test_clips_become_the_windows_the_platform_cuts(tmp_path: Path) -> None:
    long = lambda rng: tone(rng, 7.0)  # noqa: E731
    longest = lambda rng: hiss(rng, 40.0)  # noqa: E731
    data = read_dataset(write_classes(tmp_path / "data", 1, {"A": tone, "B": long, "C": longest}))
    sounds = decode_sounds(data.clips, RATE, tmp_path)
    rows = describe_clips(
        data.clips, data.labels, sounds, Window(1.0, 1.0), lambda w: np.abs(w).max(axis=1)[:, None]
    )
    counts = np.bincount(rows.owner)
    assert counts.tolist() == [2, 7, MAX_WINDOWS]
    assert rows.row_truth.sum(axis=0).tolist() == counts.tolist()
    pooled = pool_owned(rows.values, rows.owner, lambda part: part.max(axis=0))
    assert pooled.shape == (3, 1)
    assert pooled[0, 0] == pytest.approx(0.4, abs=1e-3)
