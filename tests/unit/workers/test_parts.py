"""The stretch of a file that is to be heard."""

from __future__ import annotations

import numpy as np
import pytest

from earmark_files.errors import AudioFileError
from earmark_workers.engine.parts import WHOLE, Part, PartBlocks


def blocks(seconds: float, *rates: int, block: float = 2.0):
    """What a decoder gives: each sample says when it is, in seconds."""
    for start in np.arange(0, seconds, block):
        for rate in rates:
            length = round(min(block, seconds - start) * rate)
            yield rate, (start + np.arange(length) / rate).astype(np.float32)


def heard(part: Part, seconds: float, *rates: int) -> dict[int, np.ndarray]:
    pieces: dict[int, list[np.ndarray]] = {rate: [] for rate in rates}
    for rate, piece in PartBlocks(blocks(seconds, *rates), rates, part):
        pieces[rate].append(piece)
    return {rate: np.concatenate(found) for rate, found in pieces.items()}


def test_the_whole_file_comes_as_it_is():
    assert len(heard(WHOLE, 5.5, 100)[100]) == 550


def test_a_part_across_blocks_has_each_of_its_samples_once_at_every_rate():
    found = heard(Part(1.5, 4.25), 10.0, 100, 40)

    for rate, samples in found.items():
        assert len(samples) == round(2.75 * rate)
        assert np.allclose(samples, 1.5 + np.arange(len(samples)) / rate)


def test_nothing_is_decoded_behind_the_end_of_the_part():
    source = blocks(1000.0, 100, 40)

    for _ in PartBlocks(source, (100, 40), Part(0.0, 3.0)):
        pass

    rate, block = next(source)
    assert (rate, round(float(block[0]))) == (100, 4)


def test_a_part_that_ends_behind_the_sound_ends_with_it():
    assert len(heard(Part(4.0, 99.0), 5.0, 100)[100]) == 100


def test_a_part_behind_the_sound_is_refused():
    with pytest.raises(AudioFileError) as caught:
        heard(Part(5.0), 5.0, 100)
    assert caught.value.code == "part_outside_sound"


def test_a_sound_longer_than_the_limit_is_refused_when_the_limit_is_reached():
    source = blocks(1e9, 100)

    with pytest.raises(AudioFileError) as caught:
        for _ in PartBlocks(source, (100,), Part(limit=10.0)):
            pass

    assert caught.value.code == "sound_too_long"
    assert float(next(source)[1][0]) == 12.0


def test_a_part_within_the_limit_of_a_sound_that_is_longer_is_heard():
    assert len(heard(Part(2.0, 4.0, limit=5.0), 100.0, 100)[100]) == 200


def test_the_peak_is_that_of_the_part():
    part = PartBlocks(blocks(10.0, 100), (100,), Part(1.0, 3.0))
    for _ in part:
        pass
    assert part.peak == pytest.approx(2.99)
