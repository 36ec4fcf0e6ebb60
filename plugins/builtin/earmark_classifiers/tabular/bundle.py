"""Making the classic classifiers that come with Earmark, in one command::

    python -m earmark_classifiers.tabular.bundle embedding-linear --corpus CORPUS

Trains on the classes of the Freesound audio tagging challenge 2018, as ``earmark train`` would,
puts the result into the package of the backend and its figures into the model card. Run it from
the checkout; `embedding-linear` has to be made again whenever the version of `audioset` changes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import structlog

from earmark_classifiers.embedding_linear import classifier as embedding_linear
from earmark_classifiers.features_svm import classifier as features_svm
from earmark_classifiers.tabular.card import figures_as_markdown
from earmark_classifiers.training.cards import place_figures
from earmark_classifiers.training.challenge import bundle, write_table
from earmark_classifiers.training.session import TrainRequest, train_classifier
from earmark_classifiers.training.trainers import Progress

BUNDLED: Mapping[str, Path] = {
    "features-svm": features_svm.BUNDLED,
    "embedding-linear": embedding_linear.BUNDLED,
}
"""Where the classifier of each backend is."""

CARDS = Path("docs/models")

log = structlog.get_logger()


def make_bundled(backend: str, corpus: Path, version: str) -> None:
    """Train a backend and replace the classifier that comes with it.

    Parameters
    ----------
    backend : str
        One of `BUNDLED`.
    corpus : Path
        Folder with ``labels41.csv``, ``manifest.csv`` and the clips that it names.
    version : str
        Of the new classifier.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(corpus, folder / "challenge.csv")
        request = TrainRequest(
            backend=backend,
            data=folder / "challenge.csv",
            name=backend,
            version=version,
            target=folder / "trained",
            work=folder / "work",
        )
        trained = train_classifier(request, _log)
        bundle(trained.path, version, BUNDLED[backend])
        figures = trained.training["figures"]
        place_figures(CARDS / f"{backend}.md", figures_as_markdown(figures))
        log.info("bundled", accuracy=figures["accuracy"], macro_recall=figures["macro_recall"])


def _log(progress: Progress) -> None:
    if progress.step % 500 == 0 or progress.step == progress.of:
        log.info(progress.stage, step=progress.step, of=progress.of, accuracy=progress.accuracy)


def main() -> None:
    """Train a bundled classifier."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("backend", choices=sorted(BUNDLED))
    parser.add_argument("--corpus", type=Path, required=True, help="folder with labels41.csv")
    parser.add_argument("--version", default="1.0.0", help="default: %(default)s")
    arguments = parser.parse_args()
    make_bundled(arguments.backend, arguments.corpus, arguments.version)


if __name__ == "__main__":
    main()
