"""The bundled audioset classifier: the contract, and sounds anybody would know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from earmark_classifiers.audioset import AudioSetClassifier
from earmark_classifiers.scores import quadratic_softmax
from earmark_plugin_api import cut_windows, top_predictions
from earmark_plugin_api.testing import parametrize_with_checks

RATE = 32_000
Samples = npt.NDArray[np.float32]


@parametrize_with_checks([AudioSetClassifier])
def test_audioset_keeps_the_contract(check) -> None:  # type: ignore[no-untyped-def]
    check()


@pytest.fixture(scope="module")
def classifier() -> Iterator[AudioSetClassifier]:
    classifier = AudioSetClassifier()
    classifier.load()
    yield classifier
    classifier.close()


def listen(classifier: AudioSetClassifier, samples: Samples) -> dict[str, float]:
    """Clip scores by label name, as the platform computes them."""
    windows = cut_windows(samples, classifier.manifest.window, RATE)
    scores = classifier.predict(np.stack([w.samples for w in windows])).scores
    pooled = top_predictions(classifier.manifest.labels, classifier.pool(scores), 527)
    return {p.label.name: p.score for p in pooled}


def seconds(duration: float) -> npt.NDArray[np.float64]:
    return np.arange(round(duration * RATE)) / RATE


def siren(duration: float) -> Samples:
    """A wail: two octaves of saw tooth, up and down every four seconds."""
    time = seconds(duration)
    pitch = 600 * 2 ** (0.7 * np.sin(2 * np.pi * time / 4))
    phase = np.cumsum(pitch) / RATE
    return (0.6 * (2 * (phase % 1) - 1)).astype(np.float32)


def noise(duration: float, level: float = 0.3) -> Samples:
    rng = np.random.default_rng(5)
    return (level * rng.standard_normal(round(duration * RATE))).clip(-1, 1).astype(np.float32)


def test_labels_are_audiosets_in_their_order() -> None:
    labels = AudioSetClassifier().manifest.labels
    assert len(labels) == 527
    assert (labels[0].id, labels[0].name) == ("/m/09x0r", "Speech")
    assert (labels[526].id, labels[526].name) == ("/m/07hvw1", "Field recording")


def test_a_sine_is_heard_as_a_tone(classifier: AudioSetClassifier) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1_000 * seconds(5))).astype(np.float32)
    top = list(listen(classifier, tone))[:5]
    assert {"Sine wave", "Beep, bleep", "Dial tone", "Tuning fork"} & set(top)


def test_noise_is_heard_as_noise(classifier: AudioSetClassifier) -> None:
    top = list(listen(classifier, noise(5)))[:5]
    assert {"White noise", "Static", "Noise", "Hiss", "Waterfall", "Pink noise"} & set(top)


def test_a_siren_is_heard_as_a_siren(classifier: AudioSetClassifier) -> None:
    scores = listen(classifier, siren(10))
    alarms = ("Siren", "Civil defense siren", "Police car (siren)", "Alarm", "Emergency vehicle")
    assert max(scores[name] for name in alarms) >= 0.25


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_gives_no_confident_sound(classifier: AudioSetClassifier, level: float) -> None:
    scores = listen(classifier, noise(6, level))
    assert scores.pop("Silence") > 0.9
    assert max(scores.values()) < 0.05


def test_twenty_decibels_down_changes_nothing(classifier: AudioSetClassifier) -> None:
    loud, quiet = listen(classifier, siren(5)), listen(classifier, siren(5) / 10)
    assert quiet == pytest.approx(loud, abs=1e-4)


def test_five_seconds_of_siren_in_a_minute_of_hiss_are_found(
    classifier: AudioSetClassifier,
) -> None:
    bed = noise(60, 0.01)
    bed[27 * RATE : 32 * RATE] += siren(5)
    alone, found = listen(classifier, siren(5)), listen(classifier, bed)
    best = max(("Siren", "Civil defense siren", "Police car (siren)", "Alarm"), key=alone.get)
    assert found[best] >= 0.25
    assert found[best] > 3 * listen(classifier, noise(60, 0.01))[best]


def test_quadratic_softmax_weighs_windows_by_themselves() -> None:
    scores = np.array([[0.8, 0.0], [0.0, 0.0], [0.2, 0.0]], np.float32)
    assert quadratic_softmax(scores) == pytest.approx([(0.512 + 0.008) / 0.68, 0.0])


def test_pooling_stays_between_the_extremes() -> None:
    scores = np.random.default_rng(0).random((200, 527)).astype(np.float32)
    pooled = quadratic_softmax(scores)
    assert (pooled >= scores.min(axis=0)).all() and (pooled <= scores.max(axis=0)).all()
