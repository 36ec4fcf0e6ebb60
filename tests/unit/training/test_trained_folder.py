"""Folders of trained classifiers: whole or not there, believed only as far as they are sound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from earmark_classifiers.trained import (
    AlreadyInstalledError,
    Draft,
    TrainedFolderError,
    read_trained,
    write_trained,
)
from earmark_plugin_api import InvalidManifestError, Label, Window

DRAFT = Draft(
    backend="cnn",
    labels=(Label("Tür/Door", "Tür/Door"), Label("Cat", "Cat")),
    sample_rate=16_000,
    window=Window(2.0, 1.0),
    description="Doors and cats.",
    files={"weights.safetensors": b"\x00\x01"},
    settings={"channels": 24},
    training={"seed": 1},
)


def install(folder: Path, draft: Draft = DRAFT):  # type: ignore[no-untyped-def]
    return write_trained(folder, draft, name="mine", version="1.0.0", licence="CC0-1.0")


def test_what_was_written_is_read(tmp_path: Path):
    written = install(tmp_path / "mine" / "1.0.0")
    read = read_trained(tmp_path / "mine" / "1.0.0")

    assert read == written
    assert (read.backend, read.manifest.identity) == ("cnn", "mine@1.0.0")
    assert read.manifest.labels == DRAFT.labels
    assert read.settings == {"channels": 24}
    assert read.read_file("weights.safetensors") == b"\x00\x01"


def test_a_version_is_never_overwritten(tmp_path: Path):
    install(tmp_path / "1.0.0")
    with pytest.raises(AlreadyInstalledError):
        install(tmp_path / "1.0.0", replace(DRAFT, description="Other."))
    assert read_trained(tmp_path / "1.0.0").manifest.description == "Doors and cats."


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (replace(DRAFT, labels=()), InvalidManifestError),
        (replace(DRAFT, files={"../weights.npz": b""}), ValueError),
        (replace(DRAFT, files={"model.pkl": b""}), ValueError),
        (replace(DRAFT, training={"figure": object()}), TypeError),
    ],
)
def test_what_cannot_be_installed_leaves_nothing(
    tmp_path: Path, draft: Draft, error: type[Exception]
):
    with pytest.raises(error):
        install(tmp_path / "mine" / "1.0.0", draft)
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.name[0] == "."] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "format 99"),
        ({"labels": []}, "labels are empty"),
        ({"window": {"seconds": 1}}, "KeyError"),
        ({"window": {"seconds": 1, "hop_seconds": 2}}, "hop_seconds"),
        ({"labels": 3}, "TypeError"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(
    tmp_path: Path, change: dict[str, object], words: str
):
    install(tmp_path / "1.0.0")
    path = tmp_path / "1.0.0" / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(TrainedFolderError, match=words):
        read_trained(tmp_path / "1.0.0")


def test_changed_or_missing_weights_are_refused(tmp_path: Path):
    folder = install(tmp_path / "1.0.0")
    (tmp_path / "1.0.0" / "weights.safetensors").write_bytes(b"\x00\x02")
    with pytest.raises(TrainedFolderError, match="not the file"):
        folder.read_file("weights.safetensors")
    (tmp_path / "1.0.0" / "weights.safetensors").unlink()
    with pytest.raises(TrainedFolderError, match="cannot be read"):
        folder.read_file("weights.safetensors")


def test_no_folder_at_all_is_said(tmp_path: Path):
    with pytest.raises(TrainedFolderError, match="No such file"):
        read_trained(tmp_path / "none")
