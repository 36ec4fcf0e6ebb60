"""An installation inside the test process: the small real classifier, and who listens with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.services import register_manifest
from earmark_workers.pipeline.uploads import desk_beside
from tests.bands_classifier import Bands
from tests.tag_harness import install_plugin


@pytest.fixture
def bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object) -> ClassifierVersion:
    """The test classifier, installed for this process and those it starts."""
    plugins = install_plugin(tmp_path / "plugins")
    monkeypatch.syspath_prepend(plugins)
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugins), *([path] if path else [])]))
    settings.EARMARK_CLASSIFIER = "bands"  # type: ignore[attr-defined]
    return register_manifest(manifest=Bands.manifest)


@pytest.fixture
def desk(transactional_db: None, data_dir: Path, bands: ClassifierVersion) -> Iterator[None]:
    """Somebody who listens to what is sent."""
    with desk_beside(device="cpu"):
        yield
