"""Classifiers that were trained here are listed beside the plugins, and asked in the same way."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.installed import list_versions, next_version
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import (
    TRAINED_GROUP,
    get_plugin,
    inspect_plugins,
    list_plugins,
    make_classifier,
)
from earmark.classifiers.services import refresh_classifiers, require_classifier
from earmark_classifiers.trained import Draft, read_trained, write_trained
from earmark_plugin_api import Label, Window

BACKEND = """
from earmark_classifiers.trained import read_trained

class FromFolder:
    def __init__(self, manifest): self.manifest = manifest
    @classmethod
    def from_folder(cls, folder): return cls(read_trained(folder).manifest)
    def load(self, device="cpu"): pass
    def predict(self, windows): pass
    def pool(self, scores): pass
    def close(self): pass
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """The folder of trained classifiers, and a backend ``plain`` that can be trained."""
    site = tmp_path / "site"
    info = site / "plain-2.0.dist-info"
    info.mkdir(parents=True)
    (site / "plain_backend.py").write_text(BACKEND)
    (info / "METADATA").write_text("Name: plain\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(f"[{TRAINED_GROUP}]\nplain = plain_backend:FromFolder\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    settings.EARMARK_CLASSIFIERS_DIR = tmp_path / "classifiers"
    return tmp_path / "classifiers"


def train(root: Path, name: str = "mine", version: str = "1.0.0", backend: str = "plain") -> Path:
    draft = Draft(
        backend=backend,
        labels=(Label("Tür", "Tür"), Label("cat", "cat")),
        sample_rate=8000,
        window=Window(1.0, 1.0),
        description="Doors and cats.",
        files={"weights.npz": b"1"},
    )
    folder = root / name / version
    write_trained(folder, draft, name=name, version=version, licence="CC0-1.0")
    return folder


def test_a_trained_classifier_is_listed_in_its_newest_version(root: Path):
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        train(root, version=version)
    (root / "mine" / ".new-abc").mkdir()
    (root / "mine" / "notes").mkdir()

    plugin = get_plugin("mine")

    assert plugin.folder == str(root / "mine" / "1.10.0")
    assert (plugin.target, plugin.distribution) == ("plain_backend:FromFolder", "trained here")
    assert {"mine", "audioset"} <= {found.name for found in list_plugins()}
    assert list_versions(root / "mine") == ["1.2.0", "1.9.0", "1.10.0"]
    assert next_version(root / "mine") == "1.11.0"
    assert next_version(root / "other") == "1.0.0"


def test_an_instance_is_made_from_its_folder(root: Path):
    folder = train(root)
    plugin = get_plugin("mine")
    made = make_classifier(plugin.target, plugin.folder)
    assert made.manifest == read_trained(folder).manifest


@pytest.mark.django_db
def test_it_is_usable_like_any_other_and_older_versions_are_kept_for_their_results(root: Path):
    train(root)
    first = require_classifier(name="mine")
    train(root, version="1.1.0")
    refresh_classifiers()

    first.refresh_from_db()
    assert not first.installed
    second = ClassifierVersion.objects.usable().get(name="mine")
    assert (second.version, second.labels) == ("1.1.0", [["Tür", "Tür"], ["cat", "cat"]])


@pytest.mark.django_db
def test_the_command_shows_it_and_why_one_cannot_be_used(root: Path):
    train(root)
    train(root, name="foreign", backend="unheard-of")
    train(root, name="torn")
    (root / "torn" / "1.0.0" / "classifier.json").write_text('{"format": 1')
    renamed = train(root, name="before")
    renamed.parent.rename(root / "after")
    moved = train(root, name="moved")
    moved.rename(moved.parent / "2.0.0")
    later = train(root, name="later") / "classifier.json"
    later.write_text(json.dumps(json.loads(later.read_text()) | {"format": 2}))
    output = io.StringIO()

    call_command("classifiers", "--json", stdout=output)

    told = {row["name"]: row for row in map(json.loads, output.getvalue().splitlines())}
    assert (told["mine"]["status"], told["mine"]["distribution"]) == ("ok", "trained here")
    assert {
        name: told[name]["code"] for name in ("foreign", "torn", "after", "moved", "later")
    } == {
        "foreign": "trained_folder_unusable",
        "torn": "trained_folder_unusable",
        "after": "name_mismatch",
        "moved": "name_mismatch",
        "later": "trained_folder_unusable",
    }
    assert "'unheard-of' is not installed" in told["foreign"]["message"]
    assert "update Earmark" in told["later"]["message"]


def test_a_name_that_a_plugin_has_too_is_nobodys(root: Path):
    train(root, name="audioset")

    told = [found for found in inspect_plugins(list_plugins()) if found.plugin.name == "audioset"]

    assert [found.code for found in told] == ["duplicate_name", "duplicate_name"]
    with pytest.raises(ClassifierUnavailableError, match="2 classifiers"):
        get_plugin("audioset")
