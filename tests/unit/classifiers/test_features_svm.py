"""features-svm and features-forest: the contract, learning from folders, refusals, the card."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soxr

from earmark_classifiers.features_svm import FeaturesSvmClassifier
from earmark_classifiers.tabular.arrays import ArraysUnusableError
from earmark_classifiers.trained import TrainedFolder, TrainedFolderError
from earmark_classifiers.training.session import TrainRequest, train_classifier
from earmark_classifiers.training.trainers import Progress, UnsupportedOptionError, get_trainer
from earmark_plugin_api import DeviceUnavailableError, cut_windows, top_predictions
from earmark_plugin_api.testing import parametrize_with_checks, run_checks
from tests.sound_classes import RATE, SOUNDS, write_classes

BUNDLED = FeaturesSvmClassifier().trained


@parametrize_with_checks([FeaturesSvmClassifier])
def test_features_svm_keeps_the_contract(check) -> None:  # type: ignore[no-untyped-def]
    check()


def order(folder: Path, backend: str = "features-svm", **more: object) -> TrainRequest:
    return TrainRequest(
        backend=backend,
        data=folder / "data",
        name="noises",
        version="1.0.0",
        target=folder / "classifiers" / "noises" / "1.0.0",
        work=folder / "work",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module", params=["features-svm", "features-forest"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> TrainedFolder:
    """A classifier that learnt three classes from eight sounds each."""
    folder = tmp_path_factory.mktemp("noises")
    write_classes(folder / "data", 8)
    return train_classifier(order(folder, request.param), lambda progress: None)


def heard(classifier: FeaturesSvmClassifier, samples: np.ndarray) -> str:
    """Name of the first label of a clip."""
    return next(iter(score(classifier, samples)))


def score(classifier: FeaturesSvmClassifier, samples: np.ndarray) -> dict[str, float]:
    """Scores of a clip by label, the highest first."""
    manifest, rate = classifier.manifest, classifier.manifest.sample_rate
    cut = cut_windows(soxr.resample(samples, RATE, rate), manifest.window, rate)
    scores = classifier.predict(np.stack([part.samples for part in cut])).scores
    found = top_predictions(manifest.labels, classifier.pool(scores), len(manifest.labels))
    return {prediction.label.name: prediction.score for prediction in found}


def test_what_was_trained_knows_sounds_it_has_not_heard(trained: TrainedFolder) -> None:
    classifier = FeaturesSvmClassifier.from_folder(trained.path)
    classifier.load()
    for name, make in SOUNDS.items():
        for seed in (101, 102, 103):
            assert heard(classifier, make(np.random.default_rng(seed))) == name
    assert trained.training["figures"]["accuracy"] == 1.0
    assert trained.backend in ("features-svm", "features-forest")


def test_a_table_may_give_a_sound_several_labels_or_none(tmp_path: Path) -> None:
    write_classes(tmp_path / "sounds", 8)
    said = {"Tone": ("Tone", "Steady"), "Hiss": ("Hiss", "Steady"), "Ticks": ("",)}
    rows = [
        f"{path.relative_to(tmp_path)},{label}"
        for path in sorted((tmp_path / "sounds").rglob("*.wav"))
        for label in said[path.parent.name]
    ]
    (tmp_path / "data").write_text("\n".join(["path,label", *rows]))
    trained = train_classifier(order(tmp_path), lambda progress: None)
    assert [label.name for label in trained.manifest.labels] == ["Hiss", "Steady", "Tone"]
    assert trained.training["of_no_class"] == 8
    assert trained.training["figures"]["accuracy"] == 1.0
    assert trained.training["figures"]["mean_average_precision"] == 1.0
    classifier = FeaturesSvmClassifier.from_folder(trained.path)
    classifier.load()
    scores = {name: score(classifier, SOUNDS[name](np.random.default_rng(5))) for name in SOUNDS}
    assert scores["Tone"]["Tone"] > 0.5 < scores["Tone"]["Steady"]
    assert scores["Hiss"]["Hiss"] > 0.5 < scores["Hiss"]["Steady"]
    assert max(scores["Ticks"].values()) < 0.5


def test_what_was_trained_keeps_the_contract(trained: TrainedFolder) -> None:
    report = run_checks(lambda: FeaturesSvmClassifier.from_folder(trained.path))
    assert report.passed, str(report)


def test_nothing_but_arrays_and_a_description_is_installed(trained: TrainedFolder) -> None:
    assert {path.name for path in trained.path.iterdir()} == {"classifier.json", "model.npz"}
    with np.load(trained.path / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fiu" for name in arrays.files)


def test_the_same_data_and_seed_give_the_same_file(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        write_classes(folder / "data", 4)
        written.append(train_classifier(order(folder), lambda progress: None).files)
    assert written[0] == written[1]


def test_progress_tells_every_stage(tmp_path: Path) -> None:
    write_classes(tmp_path / "data", 3)
    told: list[Progress] = []
    train_classifier(order(tmp_path), told.append)
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages == ["decoding", "features", "features of validation", "training", "done"]
    assert told[-1].accuracy is not None


@pytest.mark.parametrize(
    ("option", "value"),
    [("epochs", 3), ("init", "audioset"), ("freeze", 2), ("augment", ("noise",))],
)
def test_options_of_networks_are_refused_and_nothing_is_installed(
    tmp_path: Path, option: str, value: object
) -> None:
    write_classes(tmp_path / "data", 2)
    with pytest.raises(UnsupportedOptionError, match="--"):
        train_classifier(order(tmp_path, **{option: value}), lambda progress: None)
    assert not (tmp_path / "classifiers").exists()


def test_it_is_trained_on_the_cpu_only() -> None:
    with (
        pytest.raises(UnsupportedOptionError, match="cuda"),
        get_trainer("features-svm").describer("cuda"),  # type: ignore[attr-defined]
    ):
        pass


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(BUNDLED.path, folder)
    content = bytearray((folder / "model.npz").read_bytes())
    content[-1000] ^= 1
    (folder / "model.npz").write_bytes(content)
    with pytest.raises(TrainedFolderError, match=r"model\.npz"):
        FeaturesSvmClassifier(folder).load()
    (folder / "model.npz").unlink()
    with pytest.raises(TrainedFolderError):
        FeaturesSvmClassifier(folder).load()


def test_settings_that_do_not_fit_the_arrays_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(BUNDLED.path, folder)
    told = json.loads((folder / "classifier.json").read_text("utf-8"))
    told["settings"]["features"] = 135
    (folder / "classifier.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(ArraysUnusableError):
        FeaturesSvmClassifier(folder).load()


def test_it_runs_on_the_cpu_only() -> None:
    with pytest.raises(DeviceUnavailableError):
        FeaturesSvmClassifier().load("cuda")


def test_the_bundled_one_is_small_and_of_39_classes() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.path.iterdir()) < 3_000_000
    assert len(BUNDLED.manifest.labels) == 39
    assert dataclasses.asdict(BUNDLED.manifest.window) == {"seconds": 5.0, "hop_seconds": 5.0}
