"""Checks of what a classifier says about itself before it is loaded."""

from __future__ import annotations

import dataclasses

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.errors import InvalidManifestError
from earmark_plugin_api.manifest import Manifest
from earmark_plugin_api.testing.fresh_process import look_at
from earmark_plugin_api.testing.outcome import CheckFailedError, Factory, loaded, require

HEAVY_MODULES = frozenset(
    (
        *("ai_edge_litert", "jax", "keras", "librosa", "lightning", "matplotlib", "mxnet", "numba"),
        *("onnxruntime", "openvino", "pandas", "scipy", "sklearn", "speechbrain", "tensorflow"),
        *("tflite_runtime", "torch", "torchaudio", "torchvision", "transformers", "xgboost"),
    )
)
"""Packages that take seconds or hundreds of megabytes to import; they belong into `load`."""

CONSTRUCTION_BYTES = 16 * 2**20
"""More than any list of labels needs and less than any network's weights."""


def check_manifest(factory: Factory, device: str = "cpu") -> None:
    """The manifest is valid, and equal before `load`, after it and after `close`."""
    classifier = factory()
    require(
        isinstance(classifier, Classifier),
        f"{type(classifier).__name__} lacks a part of the Classifier protocol",
        "It needs the property `manifest` and the methods load, predict, pool and close.",
    )
    before = classifier.manifest
    require(
        isinstance(before, Manifest),
        f"manifest is a {type(before).__name__}",
        "Return an earmark_plugin_api.Manifest.",
    )
    try:
        dataclasses.replace(before)
    except InvalidManifestError as error:
        raise CheckFailedError(
            f"The manifest is not valid: {error}",
            "Make it with Manifest(...), which refuses these values, and leave it as it is.",
        ) from error
    with loaded(factory, device) as other:
        after = other.manifest
    for when, seen in (("after load", after), ("after close", other.manifest)):
        require(
            seen == before,
            f"The manifest {when} differs from the one before load",
            "Build it once, from constants or small files beside the code: the platform reads it "
            "without loading and stores results under it.",
        )


def check_construction_is_cheap(factory: Factory, device: str = "cpu") -> None:
    """Import, construction and manifest need no heavy package and no weights.

    Seen in a new process: `HEAVY_MODULES` may not be imported and at most
    `CONSTRUCTION_BYTES` allocated. Listing plugins would otherwise take seconds.
    """
    sight = look_at(factory)
    heavy = sorted(HEAVY_MODULES & set(sight.modules))
    require(
        not heavy,
        f"Importing and constructing it imports {', '.join(heavy)}",
        "Move these imports into load() (or into a module that only load() imports).",
    )
    require(
        sight.bytes_allocated <= CONSTRUCTION_BYTES,
        f"Constructing it allocates {sight.bytes_allocated / 2**20:.0f} MiB",
        "Read weights in load(), not in __init__ or in the manifest.",
    )


def check_label_order(factory: Factory, device: str = "cpu") -> None:
    """Labels come in one order, in every process.

    Two new processes with different string hashes must list the same ids; labels that pass
    through a ``set`` do not.
    """
    here = [label.id for label in factory().manifest.labels]
    for seed in (1, 2):
        there = look_at(factory, hash_seed=seed).label_ids
        require(
            there == here,
            "The labels come in another order in another process",
            "Take them from a list or a file, never from a set: column j of the scores must mean "
            "the same label everywhere.",
        )
