"""Pictures are judged by eye; here only that there is one, of sensible size, in every case."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from earmark_classifiers.evaluation import metrics
from earmark_classifiers.evaluation.anatomy import Dissection
from earmark_classifiers.evaluation.calibration import reliability
from earmark_classifiers.evaluation.census import ClipFacts, take_census
from earmark_classifiers.evaluation.dataset_picture import draw_census, draw_examples
from earmark_classifiers.evaluation.pictures import (
    draw_comparison,
    draw_confusion,
    draw_precision_recall,
    draw_reliability,
)
from earmark_classifiers.evaluation.resampling import Interval
from earmark_classifiers.evaluation.sound_picture import ScoreTimes, draw_sound

RATE = 8000
HARD_NAMES = ("$x_1$", "Dog <b>", "Ünïcode", "x" * 200)


def size_of(png: bytes) -> tuple[int, int]:
    """Size of a picture that is not all of one colour."""
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 3
    return image.size


@pytest.fixture(autouse=True)
def no_warnings() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("count", [1, 45])
def test_reports_have_pictures_for_few_and_many_classes(count: int) -> None:
    rng = np.random.default_rng(0)
    names = [HARD_NAMES[n] if n < 4 else f"Class {n}" for n in range(count)]
    truth = metrics.one_hot(rng.integers(count, size=60), count)
    scores = rng.random((60, count))
    matrix = metrics.confusion(truth.argmax(axis=1), scores.argmax(axis=1), count)
    for picture in (draw_confusion(matrix, names), draw_precision_recall(truth, scores, names)):
        width, height = size_of(picture)
        assert 300 < width < 1800
        assert 200 < height < 1800


def test_confidence_has_a_picture_even_without_clips() -> None:
    size_of(draw_reliability(reliability(np.array([0.2, 0.9]), np.array([False, True]))))
    size_of(draw_reliability(reliability(np.zeros(0), np.zeros(0, bool))))


def test_the_same_comparison_is_the_same_picture() -> None:
    figures = {"mAP": {"$a$": Interval(0.5, 0.4, 0.6), "b": Interval(0.9, np.nan, np.nan)}}
    first, second = draw_comparison(figures), draw_comparison(figures)
    assert first == second
    size_of(first)


@pytest.mark.parametrize(("samples", "silent"), [(1, False), (800, True), (200 * RATE, False)])
def test_sounds_of_any_length_have_a_picture(samples: int, silent: bool) -> None:
    dissection = Dissection(RATE, samples / RATE)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)
    dissection.push(noise * (not silent))
    sound = dissection.finish()
    windows = 4000 if samples > 100 * RATE else 1
    edges = np.linspace(0, sound.seconds, windows + 1, dtype=np.float32)
    times = ScoreTimes("x@1", HARD_NAMES[:2], edges[:-1], edges[1:],
                       np.full((windows, 2), 0.5, np.float32))  # fmt: skip
    assert size_of(draw_sound(sound, "$a$.wav", times))[1] < 1600
    size_of(draw_examples([("Dog", "$a$.wav", sound)]))


def test_no_event_of_one_window_in_hours_is_lost_in_drawing() -> None:
    dissection = Dissection(RATE)
    dissection.push(np.zeros(RATE, np.float32))
    hours = replace(dissection.finish(), seconds=3 * 3600.0, column_seconds=108.0)
    starts = np.arange(2160, dtype=np.float32) * 5

    def draw(*events: int) -> np.ndarray:
        scores = np.zeros((2160, 1), np.float32)
        scores[list(events)] = 1.0
        times = ScoreTimes("x@1", ["Bell"], starts, starts + 5, scores)
        return np.asarray(Image.open(io.BytesIO(draw_sound(hours, "a", times))))

    # Twenty events far apart; each of them is seen in columns of its own.
    events = range(33, 2160, 109)  # not under the frame at either end
    changed = (draw(*events) != draw()).any(axis=(0, 2))
    assert np.count_nonzero(np.diff(changed.astype(int)) == 1) == len(events)


def test_a_sound_without_scores_has_a_smaller_picture() -> None:
    dissection = Dissection(RATE)
    dissection.push(np.zeros(RATE, np.float32))
    assert size_of(draw_sound(dissection.finish(), "a.wav"))[1] < 1200


@pytest.mark.parametrize("classes", [1, 70])
def test_a_dataset_has_a_picture(classes: int) -> None:
    facts = [
        ClipFacts(f"{n}.wav", (f"c{n}",), str(n), 10.0 ** (n % 4 - 1), 44_100, 1, 0.5, str(n))
        for n in range(classes)
    ]
    width, height = size_of(draw_census(take_census(facts, [f"c{n}" for n in range(classes)], 0.1)))
    assert height < 2000
    assert width > 500
    size_of(draw_census(take_census([], ["Dog"], 0.1)))
