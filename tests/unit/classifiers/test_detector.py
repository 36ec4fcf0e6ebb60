"""The detector backend: the contract, its mixtures, its threshold, its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earmark_classifiers.detector import DetectorClassifier
from earmark_classifiers.detector.mixtures import SIGNAL_TO_NOISE_DB, mix
from earmark_classifiers.detector.trainer import DetectorTrainer, NoBackgroundError
from earmark_classifiers.embedding_linear import EmbedderChangedError
from earmark_classifiers.trained import TrainedFolder
from earmark_classifiers.training.session import TrainRequest, train_classifier
from earmark_plugin_api import InvalidInputError, Window
from earmark_plugin_api.testing import run_checks
from tests.sound_classes import RATE, chirp, hiss, write_classes


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedFolder:
    folder = tmp_path_factory.mktemp("detector")
    quiet_hiss = lambda rng: 0.2 * hiss(rng, 3.0)  # noqa: E731
    write_classes(folder / "data", 5, {"robin": chirp, "Background": quiet_hiss})
    request = TrainRequest(
        backend="detector",
        data=folder / "data",
        name="robins",
        version="1.0.0",
        target=folder / "robins",
        work=folder / "work",
    )
    return train_classifier(request, lambda progress: None)


def test_a_detector_keeps_the_contract(trained: TrainedFolder) -> None:
    report = run_checks(
        lambda: DetectorClassifier.from_folder(trained.path),
        exclude={"check_memory_growth": "its network's is checked with audioset"},
    )
    assert report.passed, str(report)


def test_a_background_that_always_has_the_sound_in_it_is_none(tmp_path: Path) -> None:
    write_classes(tmp_path, 4, {"robin": chirp, "background": hiss})
    rows = ["path,label,split"]
    for name in ("robin", "background"):
        for number, path in enumerate(sorted((tmp_path / name).iterdir())):
            split = "val" if number < 2 else "train"
            rows.append(f"{path},{name},{split}")
            if name == "background" and split == "val":
                rows.append(f"{path},robin,{split}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    request = TrainRequest(
        backend="detector",
        data=tmp_path / "clips.csv",
        name="robins",
        version="1.0.0",
        target=tmp_path / "robins",
        work=tmp_path / "work",
    )
    with pytest.raises(NoBackgroundError, match="labelled 'robin' too"):
        train_classifier(request, lambda progress: None)


def test_it_has_one_label_short_windows_and_a_threshold_of_a_half(trained: TrainedFolder) -> None:
    detector = DetectorClassifier.from_folder(trained.path)
    assert [label.name for label in detector.manifest.labels] == ["robin"]
    assert detector.manifest.window == Window(3.0, 1.0)
    rules = detector.rules()
    assert (rules.threshold, rules.release) == (0.5, 0.3)
    assert detector.rules(threshold=0.9, min_seconds=2).threshold == 0.9
    figures = trained.training["figures"]
    assert figures["windows_with_sound"] >= 5
    assert figures["macro_recall"] > 0.8


def test_it_hears_the_call_and_not_the_background(trained: TrainedFolder) -> None:
    detector = DetectorClassifier.from_folder(trained.path)
    detector.load()
    rng = np.random.default_rng(5)
    background = 0.2 * hiss(rng, 3.0)
    mixed = mix(chirp(rng), background, rng)
    scores = detector.predict(np.stack((background, mixed))).scores[:, 0]
    assert scores[0] < detector.rules().threshold <= scores[1]


def test_it_refuses_another_version_of_the_network(trained: TrainedFolder, tmp_path: Path) -> None:
    detector = DetectorClassifier.from_folder(_copy(trained, tmp_path, embedder="audioset@0.1.0"))
    with pytest.raises(EmbedderChangedError):
        detector.load()


def _copy(trained: TrainedFolder, folder: Path, **settings: object) -> Path:
    told = json.loads((trained.path / "classifier.json").read_text("utf-8"))
    told["settings"] |= settings
    (folder / "classifier.json").write_text(json.dumps(told), "utf-8")
    return folder


def test_windows_longer_than_the_networks_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="5 s at most"):
        DetectorTrainer(Window(6.0, 1.0))
    assert DetectorTrainer(Window(2.0, 0.5)).sample_rate == RATE


@pytest.mark.parametrize("seconds", [0.2, 3.0, 5.0])
def test_a_mixture_holds_the_sound_at_a_level_in_the_range(seconds: float) -> None:
    rng = np.random.default_rng(9)
    background = 0.02 * hiss(rng, 3.0)
    for _ in range(20):
        mixed = mix(chirp(rng, seconds), background, rng)
        assert mixed.shape == background.shape
        added = mixed - background
        place = np.flatnonzero(np.abs(added) > 1e-6)
        assert len(place) <= min(seconds, 3.0) * RATE
        level = 10 * np.log10(
            np.mean(np.square(added[place[0] : place[-1] + 1])) / np.mean(np.square(background))
        )
        low, high = SIGNAL_TO_NOISE_DB
        assert low - 1 < level < high + 1


def test_a_mixture_never_goes_beyond_full_scale() -> None:
    rng = np.random.default_rng(1)
    loud = np.sign(hiss(rng, 3.0)).astype(np.float32)
    assert np.abs(mix(chirp(rng), loud, rng)).max() <= 1.0
