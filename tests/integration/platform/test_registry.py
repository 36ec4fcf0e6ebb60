"""Plugins are listed, asked what they are, and cannot hurt each other."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from earmark.classifiers import registry
from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import Inspection, Plugin, inspect_plugins, list_plugins
from earmark.classifiers.selectors import get_default_classifier, list_usable_classifiers
from earmark.classifiers.services import (
    record_inspections,
    refresh_classifiers,
    register_manifest,
    require_classifier,
)
from earmark_plugin_api import Label, Manifest, Window

GOOD = """
from earmark_plugin_api import Label, Manifest, Window

class Good:
    manifest = Manifest(name="{name}", version="{version}", labels=(Label("/m/1", "One"),),
                        sample_rate=8000, window=Window(1.0, 1.0), licence="CC0-1.0",
                        description="A good one.")
    def load(self, device="cpu"): pass
    def predict(self, windows): pass
    def pool(self, scores): pass
    def close(self): pass
"""
BROKEN = {
    "crashes": ("import os\nos.abort()", "inspection_crashed"),
    "leaves": ("import sys\nsys.exit(3)", "inspection_crashed"),
    "hangs": ("import time\ntime.sleep(600)", "inspection_timeout"),
    "raises": ("raise RuntimeError('no licence key')", "import_failed"),
    "needs-more": ("import a_module_nobody_has", "missing_dependency"),
    "wrong-version": (GOOD.format(name="wrong-version", version="one"), "invalid_manifest"),
    "wrong-name": (GOOD.format(name="another-name", version="1.0.0"), "name_mismatch"),
    "no-classifier": ("class Good: pass", "not_a_classifier"),
    "strange": (
        GOOD.format(name="strange", version="1.0.0") + "\nGood.manifest = {'name': 'strange'}",
        "invalid_manifest",
    ),
}


class Site:
    """A folder on the path of Python where distributions can be installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, code: str, distribution: str | None = None) -> None:
        folder = (distribution or name).replace("-", "_")
        module = f"plugin_{folder}"
        (self.folder / f"{module}.py").write_text(code)
        info = self.folder / f"{folder}-2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution or name}\nVersion: 2.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{name} = {module}:Good\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Site(tmp_path)


def manifest(version: str) -> Manifest:
    return Manifest(
        name="audioset",
        version=version,
        labels=(Label("/m/1", "One"),),
        sample_rate=8000,
        window=Window(1.0, 1.0),
        licence="CC0-1.0",
        description="It.",
    )


def test_what_is_installed_is_listed_with_where_it_came_from(site: Site):
    site.install("good", GOOD.format(name="good", version="1.2.3"))

    plugins = {plugin.name: plugin for plugin in list_plugins()}

    assert plugins["good"] == Plugin("good", "plugin_good:Good", "good 2.0")
    assert plugins["audioset"].distribution.startswith("earmark ")


def test_whatever_a_plugin_does_the_others_are_heard(site: Site):
    site.install("good", "print('hello')\n" + GOOD.format(name="good", version="1.2.3"))
    for name, (code, _) in BROKEN.items():
        site.install(name, code)
    plugins = [plugin for plugin in list_plugins() if plugin.target.startswith("plugin_")]

    told = {found.plugin.name: found for found in inspect_plugins(plugins, timeout_s=5)}

    assert {name: found.code for name, found in told.items() if not found.usable} == {
        name: code for name, (_, code) in BROKEN.items()
    }
    assert told["good"].usable
    assert told["good"].manifest["version"] == "1.2.3"
    assert "a_module_nobody_has" in told["needs-more"].message
    assert "no licence key" in told["raises"].message


def test_a_name_offered_twice_is_nobodys(site: Site):
    site.install("good", GOOD.format(name="good", version="1.0.0"))
    site.install("good", GOOD.format(name="good", version="2.0.0"), distribution="other")

    told = [found for found in inspect_plugins(list_plugins()) if found.plugin.name == "good"]

    assert [found.code for found in told] == ["duplicate_name", "duplicate_name"]
    with pytest.raises(ClassifierUnavailableError, match="2 classifiers"):
        registry.get_plugin("good")


@pytest.mark.django_db
def test_the_command_shows_every_plugin_and_the_reason(site: Site):
    site.install("good", GOOD.format(name="good", version="1.2.3"))
    site.install("raises", BROKEN["raises"][0])
    as_json, as_text = io.StringIO(), io.StringIO()

    call_command("classifiers", "--json", stdout=as_json)
    call_command("classifiers", stdout=as_text)

    told = {row["name"]: row for row in map(json.loads, as_json.getvalue().splitlines())}
    assert (told["good"]["status"], told["good"]["version"]) == ("ok", "1.2.3")
    assert (told["raises"]["status"], told["raises"]["code"]) == ("broken", "import_failed")
    assert told["audioset"]["labels"] == 527
    assert "good@1.2.3" in as_text.getvalue()
    assert "import_failed: RuntimeError: no licence key (raises 2.0)" in as_text.getvalue()


@pytest.mark.django_db
def test_a_version_that_was_switched_off_stays_so_and_is_not_used(site: Site):
    site.install("good", GOOD.format(name="good", version="1.2.3"))
    refresh_classifiers()
    ClassifierVersion.objects.filter(name="good").update(enabled=False)

    refresh_classifiers()

    assert "good" not in {row.name for row in list_usable_classifiers()}
    with pytest.raises(ClassifierUnavailableError, match="switched off"):
        require_classifier(name="good")
    output = io.StringIO()
    call_command("classifiers", stdout=output)
    assert "disabled" in output.getvalue()


@pytest.mark.django_db
def test_a_plugin_that_went_away_keeps_its_row_for_the_results_but_is_not_usable():
    gone = register_manifest(manifest=manifest("1.0.0"))

    record_inspections(inspections=[])

    gone.refresh_from_db()
    assert not gone.installed
    with pytest.raises(ClassifierUnavailableError):
        get_default_classifier()


@pytest.mark.django_db
def test_only_the_newest_installed_version_of_a_classifier_is_usable():
    register_manifest(manifest=manifest("1.0.0"))
    newer = register_manifest(manifest=manifest("1.1.0"))

    assert get_default_classifier() == newer
    assert ClassifierVersion.objects.filter(name="audioset").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "words"), [("none", "no classifier named"), ("raises", "no licence key")]
)
def test_a_classifier_that_cannot_be_used_is_refused_with_the_reason(
    site: Site, name: str, words: str
):
    site.install("raises", BROKEN["raises"][0])

    with pytest.raises(ClassifierUnavailableError, match=words):
        require_classifier(name=name)


@pytest.mark.django_db
def test_labels_keep_their_order(site: Site):
    row = require_classifier(name="audioset")

    assert row.label_list[0] == Label("/m/09x0r", "Speech")
    assert row.label_positions[row.label_list[500].id] == 500
    assert Inspection(Plugin("x", "y", "z"), None).usable is False
