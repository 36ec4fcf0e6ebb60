"""Command line of the training: ``python -m earmark_classifiers.audioset.training``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import structlog
import torch

from earmark_classifiers.audioset.training.corpus import open_corpus
from earmark_classifiers.audioset.training.distil import Distillation, Recipe
from earmark_classifiers.audioset.training.teacher import Teacher

EPILOG = """example:
  python -m earmark_classifiers.audioset.training --corpus ../shared/corpus \\
      --teacher ../shared/teachers/mn04_as_mAP_432.pt --out var/train

Run again after an interruption, it goes on after the last whole epoch."""


def main() -> None:
    """Train the network of the audioset classifier."""
    parser = argparse.ArgumentParser(
        description=main.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="EfficientAT mn04 state dict")
    parser.add_argument("--out", type=Path, required=True, help="folder for cache and checkpoint")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory())
    torch.set_num_threads(
        1
    )  # teacher and student each have a thread; more would wait for each other
    corpus = open_corpus(arguments.corpus, arguments.out)
    recipe = replace(Recipe(), epochs=arguments.epochs)
    training = Distillation(corpus, Teacher(arguments.teacher), recipe)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        training.resume(checkpoint)
    training.run(arguments.out)


if __name__ == "__main__":
    main()
