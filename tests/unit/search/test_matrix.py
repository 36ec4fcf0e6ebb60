"""The file of embeddings: what a kill leaves behind, and what lies nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from earmark.search.matrix import EmbeddingMatrix


def packed(*vector: float) -> bytes:
    return np.array(vector, "<f2").tobytes()


def test_rows_that_were_never_counted_are_overwritten(tmp_path: Path) -> None:
    matrix = EmbeddingMatrix(tmp_path, 2)
    matrix.add([(1, 10, packed(1, 0))])
    for name in ("vectors", "sets"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"left behind by a kill")
    matrix.add([(2, 20, packed(0, 1))])
    sets, scores = matrix.nearest(np.array([0, 1], np.float32), 5)
    assert sets.tolist() == [20, 10]
    assert scores.tolist() == [1, 0]
    assert (matrix.last, len(matrix)) == (2, 2)


def test_nearest_agrees_with_comparing_all_of_them(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(300, 8)).astype("<f2")
    matrix = EmbeddingMatrix(tmp_path, 8)
    matrix.add([(n + 1, n, vectors[n].tobytes()) for n in range(300)])
    asked = vectors[7].astype(np.float32)
    sets, _ = matrix.nearest(asked, 20)
    wanted = np.argsort(-(vectors.astype(np.float32) @ asked), kind="stable")[:20]
    assert sets.tolist() == wanted.tolist()


def test_embeddings_of_another_length_are_passed_over(tmp_path: Path) -> None:
    matrix = EmbeddingMatrix(tmp_path, 2)
    matrix.add([(1, 10, packed(1, 0)), (2, 20, b""), (3, 30, packed(1, 0, 0))])
    assert (matrix.last, len(matrix)) == (3, 1)


def test_an_empty_matrix_has_nothing_near(tmp_path: Path) -> None:
    sets, scores = EmbeddingMatrix(tmp_path, 2).nearest(np.ones(2, np.float32), 3)
    assert not sets.size and not scores.size
