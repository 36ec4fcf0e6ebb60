"""Clip scores of the corpus' validation split, computed once for each classifier and kept."""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_files.decoding import stream
from earmark_plugin_api import Classifier, Manifest, cut_windows

Floats = npt.NDArray[np.float32]

PROBE_SEED = 20


@dataclass(frozen=True, eq=False)
class ScoredClips:
    """What a classifier says about the clips whose names are known.

    Attributes
    ----------
    manifest : Manifest
        Of the classifier.
    names : list of str
        The cleaned words of each clip's file and folder name.
    scores : ndarray of float32, shape (clips, labels)
    """

    manifest: Manifest
    names: list[str]
    scores: Floats


def score_clips(corpus: Path, cache: Path, name: str) -> ScoredClips:
    """Score the validation clips as the platform does, or take the scores kept in `cache`.

    They are kept under the classifier's identity and its answer to a fixed noise, so that new
    weights are noticed even under an old version.
    """
    (entry,) = entry_points(group="earmark.classifiers", name=name)
    classifier: Classifier = entry.load()()
    classifier.load()
    manifest = classifier.manifest
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    paths = [corpus / row["path"] for row in rows]
    key = hashlib.sha256(_probe(classifier).tobytes() + repr(paths).encode()).hexdigest()[:12]
    kept = cache / f"{manifest.identity.replace('@', '-')}-{key}.npy"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        scores = np.stack([_score(classifier, path, at) for at, path in enumerate(paths)])
        np.save(kept, scores)
    return ScoredClips(manifest, [row["name_label"] for row in rows], np.load(kept))


def _score(classifier: Classifier, path: Path, at: int) -> Floats:
    if at % 100 == 0:
        print(f"scoring clip {at}", file=sys.stderr)
    needs = classifier.manifest
    with stream(path, sample_rate=needs.sample_rate) as blocks:
        samples = np.concatenate(list(blocks))
    windows = cut_windows(samples, needs.window, needs.sample_rate)
    batch = np.stack([window.samples for window in windows])
    return classifier.pool(classifier.predict(batch).scores)


def _probe(classifier: Classifier) -> Floats:
    needs = classifier.manifest
    length = needs.window.samples(needs.sample_rate)
    noise = np.random.default_rng(PROBE_SEED).standard_normal((1, length), np.float32)
    return np.round(classifier.predict(0.1 * noise).scores, 3)
