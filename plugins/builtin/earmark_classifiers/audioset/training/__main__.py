"""Command line of the training: ``python -m earmark_classifiers.audioset.training``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog
import torch

from earmark_classifiers.audioset.classifier import WEIGHTS
from earmark_classifiers.audioset.training.corpus import open_corpus
from earmark_classifiers.audioset.training.distil import CHECKPOINT, Distillation
from earmark_classifiers.audioset.training.export import export
from earmark_classifiers.audioset.training.recipe import BUNDLED, read_recipe
from earmark_classifiers.audioset.training.teacher import Teacher
from earmark_classifiers.training.errors import TrainingError

EPILOG = f"""example:
  python -m earmark_classifiers.audioset.training --corpus ../shared/corpus \\
      --teacher ../shared/teachers/mn04_as_mAP_432.pt \\
      --ontology ../shared/reference/ontology.json --out var/train

OUT then holds {WEIGHTS.name} with its graph (.onnx) and, in figures, what the model card
shows. Run again after an interruption, it goes on after the last whole epoch.

exit status: 0 done, 2 wrong command line, bad recipe, or a checkpoint of another recipe"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the weights of the audioset classifier: train, calibrate, judge, write."""
    parser = argparse.ArgumentParser(
        prog="python -m earmark_classifiers.audioset.training",
        description=main.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="EfficientAT mn04 state dict")
    parser.add_argument("--ontology", type=Path, required=True, help="AudioSet's ontology.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is written")
    parser.add_argument(
        "--recipe", type=Path, default=BUNDLED, help="JSON file; default: that of the weights"
    )
    options = parser.parse_args(arguments)
    try:
        make_weights(options)
    except TrainingError as error:
        parser.error(str(error))


def make_weights(options: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises
    ------
    TrainingError
        If the recipe is none, or that of a checkpoint in the folder is another.
    """
    recipe = read_recipe(options.recipe)
    # Teacher and student each have a thread; more would wait for each other.
    torch.set_num_threads(1)
    corpus = open_corpus(options.corpus, options.out)
    training = Distillation(corpus, Teacher(options.teacher), recipe)
    if (options.out / CHECKPOINT).exists():
        training.resume(options.out / CHECKPOINT)
    training.run(options.out)
    export(options.corpus, options.ontology, options.out)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    main()
