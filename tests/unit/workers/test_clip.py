"""What is kept of a file while its windows are scored."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.jobs.timeline import unpack_timeline
from earmark_workers.engine.clip import Clip, Rows, unit_bytes


def test_rows_come_back_as_they_were_however_many_they_are() -> None:
    rng = np.random.default_rng(0)
    pieces = [rng.random((n, 527), np.float32) for n in (1, 7, 30, 200, 3)]
    rows = Rows(527)
    for piece in pieces:
        rows.append(piece)

    assert len(rows) == 241
    np.testing.assert_array_equal(rows.take(), np.concatenate(pieces))


def test_no_rows_are_an_empty_array() -> None:
    assert Rows(3).take().shape == (0, 3)


def test_a_clip_keeps_scores_times_timeline_and_embedding() -> None:
    clip = Clip()
    times = np.asarray([(0.0, 5.0), (5.0, 10.0), (10.0, 12.0)], np.float32)
    scores = np.asarray([(0.9, 0.01), (0.1, 0.02), (0.2, 0.03)], np.float32)
    embeddings = np.asarray([(3.0, 0.0), (0.0, 3.0), (0.0, 1.0)], np.float32)
    clip.add(scores[:2], embeddings[:2], times[:2])
    clip.add(scores[2:], embeddings[2:], times[2:])

    found = clip.finish(7, lambda rows: rows.max(axis=0))

    assert found.scores.tolist() == pytest.approx([0.9, 0.03])
    assert (found.starts.tolist(), found.ends.tolist()) == ([0.0, 10.0], [5.0, 12.0])
    timeline = unpack_timeline(found.timeline)
    assert timeline.positions.tolist() == [0]
    assert timeline.ends.tolist() == [5.0, 10.0, 12.0]
    assert found.embedding is not None
    assert np.frombuffer(found.embedding, "<f2").tolist() == pytest.approx([0.6, 0.8], abs=1e-3)


def test_an_embedding_of_nothing_stays_nothing() -> None:
    assert np.frombuffer(unit_bytes(np.zeros(2)), "<f2").tolist() == [0.0, 0.0]
