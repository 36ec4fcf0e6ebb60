"""The efficientat classifiers: contract, files that are missing or wrong, the published scores.

The comparison with the published network runs where its files are, see `test_networks`; the
files of mn10 and mn20 were never here, so those sizes are tried with random values.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
import torch

from earmark_classifiers.efficientat import EfficientAtMn04, EfficientAtMn10, EfficientAtMn20
from earmark_classifiers.efficientat.classifier import WEIGHTS_VARIABLE, EfficientAtClassifier
from earmark_classifiers.networks.mobilenet import PUBLISHED_NAMES, MobileNetTagger
from earmark_plugin_api import ChecksAvailability, WeightsMissingError
from earmark_plugin_api.testing import parametrize_with_checks

REAL = os.environ.get(WEIGHTS_VARIABLE, "")
CORPUS = os.environ.get("EARMARK_CORPUS", "")
RATE = 32_000

SIZES: list[type[EfficientAtClassifier]] = [EfficientAtMn04, EfficientAtMn10, EfficientAtMn20]


def published_state(width: float) -> dict[str, torch.Tensor]:
    """A state dict with random values under the published names."""
    torch.manual_seed(0)
    state = {}
    for name, value in MobileNetTagger(width).state_dict().items():
        for part in ("fc1", "fc2"):
            name = name.replace(f".{part}.", f".conc_se_layers.0.{part}.")
        for published, ours in reversed(PUBLISHED_NAMES[1:]):
            name = name.replace(ours, published)
        state[name] = value
    return state


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for size in (classifier.size for classifier in SIZES):
        torch.save(published_state(size.width), folder / size.file_name)
    return folder


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of fetched weights, and nothing else that names one."""
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("EARMARK_MODELS_DIR", str(tmp_path))
    return tmp_path


@parametrize_with_checks(
    [EfficientAtMn04],
    exclude={}
    if REAL
    else {
        "check_level_robustness": f"a property of the real weights; {WEIGHTS_VARIABLE} is not set"
    },
)
def test_mn04_keeps_the_contract(  # type: ignore[no-untyped-def]
    check, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, REAL or str(random_weights))
    check()


@pytest.mark.parametrize(
    ("classifier", "name", "file_name", "embedding"),
    [
        (EfficientAtMn04, "efficientat-mn04", "mn04_as_mAP_432.pt", 384),
        (EfficientAtMn10, "efficientat-mn10", "mn10_as_mAP_471.pt", 960),
        (EfficientAtMn20, "efficientat-mn20", "mn20_as_mAP_478.pt", 1920),
    ],
)
def test_each_size_reads_a_state_dict_of_its_shape_and_scores_a_window(
    classifier: type[EfficientAtClassifier],
    name: str,
    file_name: str,
    embedding: int,
    random_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(random_weights))
    instance = classifier()
    assert (instance.manifest.name, instance.size.file_name) == (name, file_name)
    instance.load()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 10 * RATE)).astype(np.float32)
    result = instance.predict(noise)
    assert result.scores.shape == (1, 527)
    assert result.embeddings is not None and result.embeddings.shape == (1, embedding)


def test_mn10_has_as_many_values_as_the_published_file() -> None:
    """312 tensors and 4,901,277 values are what users of the published file report of it."""
    state = MobileNetTagger(1.0).state_dict()
    assert len(state) == 312
    assert sum(value.numel() for value in state.values()) == 4_901_277


@pytest.mark.parametrize("classifier", SIZES)
def test_missing_weights_are_told_with_the_command_that_gets_them(
    classifier: type[EfficientAtClassifier], models_dir: Path
) -> None:
    instance = classifier()
    assert isinstance(instance, ChecksAvailability)
    for action in (instance.require_available, instance.load):
        with pytest.raises(WeightsMissingError) as caught:
            action()
        assert caught.value.code == "weights_missing"
        assert f"`earmark models pull {instance.manifest.name}`" in str(caught.value)
        assert str(models_dir) in str(caught.value)


def test_without_a_models_folder_the_variable_to_set_is_named(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EARMARK_MODELS_DIR")
    with pytest.raises(WeightsMissingError, match="EARMARK_MODELS_DIR is not set"):
        EfficientAtMn10().require_available()


def test_weights_are_found_in_the_models_folder(models_dir: Path, random_weights: Path) -> None:
    name = EfficientAtMn04.size.file_name
    (models_dir / name).symlink_to(random_weights / name)
    EfficientAtMn04().require_available()
    with pytest.raises(WeightsMissingError):
        EfficientAtMn10().require_available()


def test_a_variable_that_names_one_file_serves_the_sizes_beside_it(
    models_dir: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(random_weights / EfficientAtMn04.size.file_name))
    EfficientAtMn04().require_available()
    EfficientAtMn20().require_available()


class Trap:
    """Runs code when unpickled by somebody careless."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("content", ["another size", "truncated", "text", "nothing", "trap"])
def test_a_file_that_is_not_the_published_one_is_refused(
    content: str, models_dir: Path, random_weights: Path
) -> None:
    path = models_dir / EfficientAtMn04.size.file_name
    real = (random_weights / EfficientAtMn04.size.file_name).read_bytes()
    if content == "another size":
        path.symlink_to(random_weights / EfficientAtMn10.size.file_name)
    elif content == "trap":
        torch.save({"features.0.0.weight": Trap(models_dir / "sprung")}, path)
    else:
        path.write_bytes({"truncated": real[:-1000], "text": b"<html>", "nothing": b""}[content])
    with pytest.raises(WeightsMissingError) as caught:
        EfficientAtMn04().load()
    assert caught.value.code == "weights_unusable"
    assert "`earmark models pull efficientat-mn04`" in str(caught.value)
    assert not (models_dir / "sprung").exists()


needs_published = pytest.mark.skipif(
    not (REAL and CORPUS),
    reason="the published network is not part of the repository: set EARMARK_EFFICIENTAT_WEIGHTS "
    "(mn04_as_mAP_432.pt, mn04_reference.npz beside it) and EARMARK_CORPUS to compare",
)


def reference() -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Waveforms of the reference clips at 32 kHz, and their published logits."""
    stored = np.load(Path(REAL).with_name("mn04_reference.npz"))
    with (Path(CORPUS) / "manifest.csv").open(encoding="utf-8", newline="") as file:
        paths = {row["clip_id"]: row["path"] for row in csv.DictReader(file)}
    clips = []
    for clip, logits in zip(stored["clip_id"], stored["logits"], strict=True):
        samples, rate = soundfile.read(Path(CORPUS) / paths[clip], dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, RATE, quality="HQ")
        clips.append((mono.astype(np.float32), logits))
    return clips


@needs_published
def test_the_network_of_the_classifier_gives_the_published_logits() -> None:
    network = EfficientAtMn04().make_network()
    for samples, logits in reference():
        with torch.inference_mode():
            ours = network(torch.from_numpy(samples)[None])[0][0].numpy()
        np.testing.assert_allclose(ours, logits, atol=1e-3)


@needs_published
def test_a_clip_of_one_window_gets_the_published_scores() -> None:
    classifier = EfficientAtMn04()
    classifier.load()
    whole = [(s, x) for s, x in reference() if len(s) == 10 * RATE and np.abs(s).max() > 1e-3]
    assert len(whole) >= 10
    scores = classifier.predict(np.stack([samples for samples, _ in whole])).scores
    published = 1 / (1 + np.exp(-np.stack([logits for _, logits in whole])))
    np.testing.assert_allclose(scores, published, atol=1e-3)
