"""How long does it take to compare a sound with a million others, one by one?

    python bench/nearest.py [--rows 1000000] [--size 256] [--folder DIR]

Fills a matrix as `similar` keeps it with random embeddings, and looks for the nearest of some of
them: processor seconds of one thread, kept in ``bench/results/nearest.md``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "platform"))

from results_page import keep_section  # noqa: E402

from earmark.search.matrix import EmbeddingMatrix  # noqa: E402

_AT_ONCE = 50_000
_TRIES = 9
_WANTED = 80
"""What the API takes from the matrix for a page of twenty."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--folder", type=Path, default=None, help="where the matrix is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        matrix = EmbeddingMatrix(Path(folder), options.size)
        random = np.random.default_rng(7)
        _fill(matrix, random, options.rows, options.size)
        times = [_time(matrix, random, options.size) for _ in range(_TRIES)]
    lines = [
        "| embeddings | numbers each | processor ms |",
        "|---:|---:|---:|",
        f"| {options.rows:,} | {options.size} | {1000 * statistics.median(times):.0f} |",
    ]
    title = f"{options.rows:,} embeddings"
    page = REPOSITORY / "bench" / "results" / "nearest.md"
    keep_section(page, head="Comparing a sound with all others", title=title, lines=lines)


def _fill(matrix: EmbeddingMatrix, random: np.random.Generator, rows: int, size: int) -> None:
    with matrix.writing():
        for start in range(0, rows, _AT_ONCE):
            numbers = range(start + 1, min(start + _AT_ONCE, rows) + 1)
            vectors = random.normal(size=(len(numbers), size)).astype("<f2")
            matrix.add([(n, n, one.tobytes()) for n, one in zip(numbers, vectors, strict=True)])


def _time(matrix: EmbeddingMatrix, random: np.random.Generator, size: int) -> float:
    vector = random.normal(size=size).astype(np.float32)
    began = time.process_time()
    matrix.nearest(vector / np.linalg.norm(vector), _WANTED)
    return time.process_time() - began


if __name__ == "__main__":
    main()
