"""The yamnet classifier: what is missing is told; with runtime and file at hand, the contract.

The published file is not part of the repository. Where ``yamnet.tflite`` lies in
``EARMARK_MODELS_DIR`` and the package ai-edge-litert is installed, everything is tried.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from earmark_classifiers.yamnet import YamnetClassifier
from earmark_classifiers.yamnet.classifier import FILE_NAME, RUNTIME
from earmark_plugin_api import PackageMissingError, WeightsMissingError, cut_windows
from earmark_plugin_api.testing import parametrize_with_checks

HAS_RUNTIME = importlib.util.find_spec(RUNTIME) is not None
REAL = Path(os.environ.get("EARMARK_MODELS_DIR", "")) / FILE_NAME

needs_runtime = pytest.mark.skipif(not HAS_RUNTIME, reason="ai-edge-litert is not installed")
needs_file = pytest.mark.skipif(
    not (HAS_RUNTIME and REAL.is_file()),
    reason=f"needs ai-edge-litert, and {FILE_NAME} in the folder EARMARK_MODELS_DIR",
)


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARMARK_MODELS_DIR", str(tmp_path))
    return tmp_path


def test_labels_are_yamnets_in_their_order() -> None:
    labels = YamnetClassifier().manifest.labels
    assert len(labels) == 521
    assert (labels[0].id, labels[0].name) == ("/m/09x0r", "Speech")
    assert (labels[494].id, labels[494].name) == ("/m/028v0c", "Silence")
    assert (labels[520].id, labels[520].name) == ("/m/07hvw1", "Field recording")


def test_a_window_is_what_the_network_takes() -> None:
    manifest = YamnetClassifier().manifest
    assert manifest.window_samples == 15_600
    assert manifest.window.hop_samples(manifest.sample_rate) == 7_680


def test_a_missing_package_is_told_with_the_command_that_gets_it(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, RUNTIME, None)  # what Python does for "not to be had"
    for action in (YamnetClassifier().require_available, YamnetClassifier().load):
        with pytest.raises(PackageMissingError, match="`pip install ai-edge-litert`") as caught:
            action()
        assert caught.value.code == "missing_dependency"


@needs_runtime
def test_a_missing_file_is_told_with_the_command_that_gets_it(models_dir: Path) -> None:
    for action in (YamnetClassifier().require_available, YamnetClassifier().load):
        with pytest.raises(WeightsMissingError, match="`earmark models pull yamnet`"):
            action()


@needs_runtime
def test_a_file_that_is_no_network_is_refused(models_dir: Path) -> None:
    (models_dir / FILE_NAME).write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(WeightsMissingError) as caught:
        YamnetClassifier().load()
    assert caught.value.code == "weights_unusable"


@needs_file
@parametrize_with_checks([YamnetClassifier])
def test_yamnet_keeps_the_contract(check) -> None:  # type: ignore[no-untyped-def]
    check()


@needs_file
def test_a_siren_is_heard_as_a_siren() -> None:
    classifier = YamnetClassifier()
    classifier.load()
    time = np.arange(5 * 16_000) / 16_000
    phase = np.cumsum(600 * 2 ** (0.7 * np.sin(2 * np.pi * time / 4))) / 16_000
    siren = (0.6 * (2 * (phase % 1) - 1)).astype(np.float32)
    windows = cut_windows(siren, classifier.manifest.window, 16_000)
    pooled = classifier.pool(classifier.predict(np.stack([w.samples for w in windows])).scores)
    heard = {classifier.manifest.labels[i].name for i in np.argsort(-pooled)[:5]}
    assert heard & {"Siren", "Civil defense siren", "Alarm", "Police car (siren)"}
