"""embedding-linear: the contract, learning, and the network it was trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from earmark_classifiers.audioset import AudioSetClassifier
from earmark_classifiers.embedding_linear import EmbedderChangedError, EmbeddingLinearClassifier
from earmark_classifiers.embedding_linear.describing import Embedder
from earmark_classifiers.training.session import TrainRequest, train_classifier
from earmark_plugin_api import ChecksAvailability, cut_windows
from earmark_plugin_api.testing import parametrize_with_checks
from earmark_plugin_api.testing.signals import probe_windows
from tests.sound_classes import RATE, SOUNDS, write_classes

BUNDLED = EmbeddingLinearClassifier().trained


@parametrize_with_checks([EmbeddingLinearClassifier])
def test_embedding_linear_keeps_the_contract(check) -> None:  # type: ignore[no-untyped-def]
    check()


def test_its_embedding_is_audiosets() -> None:
    audioset, ours = AudioSetClassifier(), EmbeddingLinearClassifier()
    windows = probe_windows(ours.manifest)
    audioset.load()
    ours.load()
    theirs = audioset.predict(windows).embeddings
    assert np.array_equal(ours.predict(windows).embeddings, theirs)


def test_features_are_embedding_and_logits_of_audioset() -> None:
    embedder = Embedder()
    embedder.load("cpu")
    windows = probe_windows(AudioSetClassifier().manifest)
    features, embeddings = embedder.describe(windows)
    assert features.shape == (6, embedder.embedding_size + 527)
    audioset = AudioSetClassifier()
    audioset.load()
    scores = 1 / (1 + np.exp(-features[:, embedder.embedding_size :]))
    assert scores == pytest.approx(audioset.predict(windows).scores, abs=2e-5)
    assert np.array_equal(features[:, : embedder.embedding_size], embeddings)


def test_it_learns_three_classes_from_four_sounds_each(tmp_path: Path) -> None:
    write_classes(tmp_path / "data", 4)
    request = TrainRequest(
        backend="embedding-linear",
        data=tmp_path / "data",
        name="noises",
        version="1.0.0",
        target=tmp_path / "noises",
        work=tmp_path / "work",
    )
    trained = train_classifier(request, lambda progress: None)
    assert trained.settings["embedder"] == AudioSetClassifier().manifest.identity
    classifier = EmbeddingLinearClassifier.from_folder(trained.path)
    classifier.load()
    for name, make in SOUNDS.items():
        cut = cut_windows(make(np.random.default_rng(321)), classifier.manifest.window, RATE)
        scores = classifier.predict(np.stack([part.samples for part in cut])).scores
        labels = [label.name for label in classifier.manifest.labels]
        assert labels[int(classifier.pool(scores).argmax())] == name


def test_it_refuses_to_work_on_another_version_of_the_network(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(BUNDLED.path, folder)
    told = json.loads((folder / "classifier.json").read_text("utf-8"))
    told["settings"]["embedder"] = "audioset@0.9.0"
    (folder / "classifier.json").write_text(json.dumps(told), "utf-8")
    classifier = EmbeddingLinearClassifier.from_folder(folder)
    assert isinstance(classifier, ChecksAvailability)
    for act in (classifier.require_available, classifier.load):
        with pytest.raises(
            EmbedderChangedError, match=r"audioset@0\.9\.0.*[Tt]rain it again"
        ) as info:
            act()
        assert info.value.code == "embedder_changed"


def test_the_bundled_one_is_of_the_network_that_is_installed() -> None:
    EmbeddingLinearClassifier().require_available()
    assert sum(path.stat().st_size for path in BUNDLED.path.iterdir()) < 3_000_000
