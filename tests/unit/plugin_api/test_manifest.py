"""A manifest that contradicts itself is refused where it is made."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from earmark_plugin_api import InvalidManifestError, Label, Manifest, Window

GOOD = Manifest(
    name="two-words",
    version="1.2.3",
    labels=(Label("dog", "Dog"), Label("cat", "Cat")),
    sample_rate=16_000,
    window=Window(seconds=0.975, hop_seconds=0.48),
    licence="Apache-2.0",
    description="Hears dogs and cats.",
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "Two Words"}, "name"),
        ({"name": "two--words"}, "name"),
        ({"name": ""}, "name"),
        ({"version": "1.0"}, "version"),
        ({"version": "1.0.0 beta"}, "version"),
        ({"labels": ()}, "labels are empty"),
        ({"labels": [Label("dog", "Dog")]}, "not a tuple"),
        ({"labels": (Label("dog", "Dog"), Label("dog", "Hound"))}, "not unique"),
        ({"labels": (Label("", "Dog"),)}, "empty id or name"),
        ({"labels": (Label("dog", ""),)}, "empty id or name"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": 16_000.5}, "sample_rate"),
        ({"licence": ""}, "licence"),
        ({"description": ""}, "description"),
        ({"devices": ()}, "devices"),
        ({"devices": "cpu"}, "devices"),
        ({"embedding_size": -1}, "embedding_size"),
        ({"memory_mb": -1}, "memory_mb"),
        ({"api_version": 99}, "api_version"),
    ],
)
def test_a_wrong_value_is_refused_and_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidManifestError, match=told) as raised:
        dataclasses.replace(GOOD, **change)
    assert raised.value.code == "invalid_manifest"


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidManifestError, match=r"version.*licence.*sample_rate"):
        dataclasses.replace(GOOD, version="one", licence="", sample_rate=-1)


@pytest.mark.parametrize("version", ["0.0.1", "1.0.0-rc.1", "1.0.0+cpu", "10.20.30"])
def test_semantic_versions_are_taken(version: str) -> None:
    assert dataclasses.replace(GOOD, version=version).identity == f"two-words@{version}"


def test_a_manifest_can_be_compared_hashed_and_pickled() -> None:
    copy = pickle.loads(pickle.dumps(GOOD))
    assert copy == GOOD
    assert hash(copy) == hash(GOOD)


def test_window_samples_are_what_predict_gets() -> None:
    assert GOOD.window_samples == 15_600
