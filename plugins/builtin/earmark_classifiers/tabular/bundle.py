"""Making the classifiers that come with Earmark: ``python -m earmark_classifiers.tabular.bundle``.

Trains a backend on the 41 classes of the Freesound audio tagging challenge 2018 (those there are
recordings of) and puts the result into its package, figures included.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import structlog

from earmark_classifiers.embedding_linear import classifier as embedding_linear
from earmark_classifiers.features_svm import classifier as features_svm
from earmark_classifiers.trained import TrainedFolder, write_trained
from earmark_classifiers.training.data import Dataset, LabelledClip, stratified_split
from earmark_classifiers.training.sounds import decode_sounds
from earmark_classifiers.training.trainers import Progress, TrainOptions, get_trainer

BUNDLED: Mapping[str, Path] = {
    "features-svm": features_svm.BUNDLED,
    "embedding-linear": embedding_linear.BUNDLED,
}
"""Where the classifier of each backend is."""

LICENCE = "Apache-2.0"

log = structlog.get_logger()


def read_challenge(corpus: Path) -> Dataset:
    """Read the clips of ``labels41.csv`` in a training corpus.

    Excerpts of one file are one group. Classes without a clip in the training split are left out:
    Bus has two excerpts of one recording, nothing could be learnt and tried.

    Parameters
    ----------
    corpus : Path
        Folder with ``labels41.csv``, ``manifest.csv`` and the audio the manifest names.
    """
    with (corpus / "manifest.csv").open(newline="", encoding="utf-8") as file:
        manifest = {row["clip_id"]: row for row in csv.DictReader(file)}
    with (corpus / "labels41.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    splits = defaultdict(set)
    for row in rows:
        splits[row["label"]].add(row["split"])
    clips = []
    for row in rows:
        if "train" not in splits[row["label"]]:
            continue
        told = manifest[row["clip_id"]]
        clips.append(
            LabelledClip(
                path=corpus / told["path"],
                labels=(row["label"].replace("_", " "),),
                group=f"{told['source_repo']}/{told['source_path']}",
                split=row["split"],
            )
        )
    return Dataset(tuple(sorted({clip.labels[0] for clip in clips})), tuple(clips))


def bundle(backend: str, corpus: Path, version: str, target: Path) -> TrainedFolder:
    """Train and replace the classifier in `target`."""
    data = read_challenge(corpus)
    trainer = get_trainer(backend)
    with tempfile.TemporaryDirectory() as work:
        sounds = decode_sounds(data.clips, trainer.sample_rate, Path(work))
        readable = data.without(item.path for item in sounds.unreadable)
        log.info("decoded", clips=len(readable.clips), unreadable=len(sounds.unreadable))
        options = TrainOptions(sounds=sounds, work=Path(work))
        draft = trainer.train(readable, stratified_split(readable), options, _log)
        fresh = write_trained(
            Path(work) / "fresh", draft, name=backend, version=version, licence=LICENCE
        )
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(fresh.path, target)
    return fresh


def _log(progress: Progress) -> None:
    if progress.step in (0, progress.of):
        log.info(progress.stage, of=progress.of, accuracy=progress.accuracy)


def main() -> None:
    """Train a bundled classifier."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("backend", choices=sorted(BUNDLED))
    parser.add_argument("--corpus", type=Path, required=True, help="folder with labels41.csv")
    parser.add_argument("--version", default="1.0.0", help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="default: its place in the package")
    arguments = parser.parse_args()
    target = arguments.out or BUNDLED[arguments.backend]
    made = bundle(arguments.backend, arguments.corpus, arguments.version, target)
    log.info("bundled", folder=str(target), **made.training["figures"])


if __name__ == "__main__":
    main()
