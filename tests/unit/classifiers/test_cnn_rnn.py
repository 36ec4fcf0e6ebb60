"""The bundled cnn and rnn classifiers: the contract, their pages, and what damaged folders do."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from earmark_classifiers.cnn import CnnClassifier
from earmark_classifiers.rnn import RnnClassifier
from earmark_classifiers.segment_tagger import WEIGHTS_FILE, SegmentTagger
from earmark_classifiers.trained import TrainedFolderError, read_trained
from earmark_classifiers.training.cards import with_figures
from earmark_classifiers.training.challenge import describe_figures
from earmark_plugin_api.testing import parametrize_with_checks

DOCS = Path(__file__).resolve().parents[3] / "docs/models"
BOTH = pytest.mark.parametrize("kind", [CnnClassifier, RnnClassifier])


@parametrize_with_checks([CnnClassifier, RnnClassifier])
def test_cnn_and_rnn_keep_the_contract(check) -> None:  # type: ignore[no-untyped-def]
    check()


@BOTH
def test_the_labels_are_those_that_were_learnt_with_the_ids_audioset_has(
    kind: type[SegmentTagger],
) -> None:
    labels = {label.name: label.id for label in kind().manifest.labels}
    assert len(labels) == 39
    assert not {"Glockenspiel", "Bus"} & set(labels)
    assert labels["Oboe"] == "/m/05kms"
    assert labels["Gunshot, gunfire"] == "/m/032s66"
    assert all(identifier.startswith(("/m/", "/t/")) for identifier in labels.values())


@BOTH
def test_the_weights_are_small_and_without_traces_of_where_they_were_made(
    kind: type[SegmentTagger],
) -> None:
    trained = read_trained(kind.bundled)
    assert len(trained.read_file(WEIGHTS_FILE)) < 2_000_000
    assert "/" not in json.dumps({k: v for k, v in trained.training.items() if k != "figures"})


@BOTH
def test_the_page_says_what_the_figures_say(kind: type[SegmentTagger]) -> None:
    trained = read_trained(kind.bundled)
    page = (DOCS / f"{kind.backend}.md").read_text("utf-8")
    assert with_figures(page, describe_figures(trained)) == page
    figures = json.loads((DOCS / f"{kind.backend}-figures.json").read_text("utf-8"))
    assert figures == trained.training


@BOTH
def test_a_copy_of_its_folder_scores_alike_and_survives_pickling(
    kind: type[SegmentTagger], tmp_path: Path
) -> None:
    folder = shutil.copytree(kind.bundled, tmp_path / "copy")
    windows = np.random.default_rng(1).uniform(-1, 1, (2, 48_000)).astype(np.float32)
    answers = []
    for classifier in (kind(), pickle.loads(pickle.dumps(kind.from_folder(folder)))):
        classifier.load()
        answers.append(classifier.predict(windows).scores)
    assert np.array_equal(*answers)


@BOTH
def test_folders_it_cannot_use_are_refused(kind: type[SegmentTagger], tmp_path: Path) -> None:
    folder = shutil.copytree(kind.bundled, tmp_path / "copy")
    description = json.loads((folder / "classifier.json").read_text())

    def rewrite(**changes: object) -> None:
        (folder / "classifier.json").write_text(json.dumps(description | changes))

    rewrite(backend="another")
    with pytest.raises(TrainedFolderError, match="of the backend 'another'"):
        kind.from_folder(folder)
    rewrite(settings={"architecture": "transformer"})
    with pytest.raises(TrainedFolderError, match="'transformer'"):
        kind.from_folder(folder).load()
    rewrite(labels=description["labels"][:5])
    with pytest.raises(TrainedFolderError, match="do not fit"):
        kind.from_folder(folder).load()
    rewrite()
    weights = load((folder / WEIGHTS_FILE).read_bytes())
    (folder / WEIGHTS_FILE).write_bytes(save({n: np.asarray(w + 1) for n, w in weights.items()}))
    with pytest.raises(TrainedFolderError, match="not the file"):
        kind.from_folder(folder).load()
