"""What can be read in file names, as the calibration of the audioset classifier reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark_classifiers.audioset.training.names import name_truth
from earmark_plugin_api import Label

LABELS = (
    Label("animal", "Animal"),
    Label("dog", "Dog"),
    Label("bark", "Bark"),
    Label("bee", "Bee, wasp, etc."),
    Label("horn", "Vehicle horn, car horn, honking"),
    Label("siren", "Police car (siren)"),
)


@pytest.fixture(scope="module")
def ontology(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ontology") / "ontology.json"
    children = {"animal": ["dog", "bee"], "dog": ["bark"], "horn": [], "siren": []}
    path.write_text(json.dumps([{"id": k, "child_ids": v} for k, v in children.items()]))
    return path


@pytest.mark.parametrize(
    ("name", "borne_out"),
    [
        ("two dogs barking far", {"animal", "dog", "bark"}),
        ("barks", {"animal", "dog", "bark"}),
        ("wasps", {"animal", "bee"}),
        ("etc", set()),
        ("car", set()),
        ("car horn", {"horn"}),
        ("police car chase", {"siren"}),
        ("barkley piano", set()),
    ],
)
def test_a_name_bears_out_its_labels_their_ancestors_and_kinds(
    ontology: Path, name: str, borne_out: set[str]
) -> None:
    truth = name_truth([name], LABELS, ontology)[0]
    assert {label.id for label, said in zip(LABELS, truth, strict=True) if said} == borne_out
