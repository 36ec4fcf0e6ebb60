"""Spectrograms of sounds of which one knows what is in them, and the pictures made of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from earmark.library.sound import png
from earmark.library.sound.spectrogram import (
    BANDS,
    MOST_COLUMNS,
    SpectrogramReducer,
    band_weights,
    resize,
)

RATE = 16_000


def draw(samples: np.ndarray, block: int = 80_000) -> np.ndarray:
    reducer = SpectrogramReducer(RATE)
    for start in range(0, len(samples), block):
        reducer.push(samples[start : start + block].astype(np.float32))
    return reducer.finish()


def tone(hertz: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def band_of(hertz: float) -> int:
    """Where a pitch belongs: the middles lie at equal distances from 40 Hz to 8 kHz."""
    return round(np.log(hertz / 40) / np.log(8000 / 40) * (BANDS + 1)) - 1


@pytest.mark.parametrize("hertz", [440.0, 1000.0, 5000.0])
def test_a_tone_is_a_line_where_it_belongs(hertz: float):
    picture = draw(tone(hertz, 2.0))

    middle = picture[len(picture) // 2]
    assert middle.max() == 255
    assert abs(int(middle.argmax()) - band_of(hertz)) <= 1
    assert middle[band_of(hertz) - 60] < 100


def test_time_goes_from_left_to_right_over_the_whole_sound():
    picture = draw(np.concatenate([tone(500, 3.0), tone(4000, 1.0)]))

    loudest = picture.argmax(axis=1)
    change = np.flatnonzero(np.abs(loudest - band_of(4000)) <= 1)[0]
    assert change / len(picture) == pytest.approx(0.75, abs=0.02)
    assert len(picture) == RATE * 4 // 128


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 0.5, 17.0, 40.0])
def test_there_are_no_more_columns_than_are_kept_and_always_one(seconds: float):
    picture = draw(tone(1000, seconds))

    assert 1 <= len(picture) <= MOST_COLUMNS
    assert picture.shape[1] == BANDS
    assert len(picture) >= min(MOST_COLUMNS // 2, seconds * RATE / 128)


def test_the_blocks_in_which_a_sound_comes_make_no_difference():
    samples = np.random.default_rng(0).normal(0, 0.1, RATE * 20)

    one, other = draw(samples), draw(samples, block=12_345)

    assert np.array_equal(one, other)


def test_silence_is_black():
    assert not draw(np.zeros(RATE)).any()


@pytest.mark.parametrize("rate", [1_000, 8_000, 44_100, 192_000])
def test_every_band_hears_something_and_weighs_as_much_as_any(rate: int):
    weights = band_weights(rate)

    assert np.isfinite(weights).all()
    assert np.allclose(weights.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (37, 19), (300, 256), (4096, 1024)])
def test_a_picture_of_any_size_shows_all_of_it(width: int, height: int):
    picture = np.zeros((300, BANDS), np.uint8)
    picture[:150, 128:] = 200  # the first half high, the second low
    picture[150:, :128] = 100

    shown = resize(picture, width, height)

    assert shown.shape == (height, width)
    if width > 1 and height > 1:
        assert (shown[0, 0], shown[-1, 0]) == (200, 0)
        assert (shown[0, -1], shown[-1, -1]) == (0, 100)


def test_the_file_is_a_png_that_others_read_the_same():
    picture = np.arange(256 * 3, dtype=np.uint32).reshape(3, 256).astype(np.uint8)

    read = Image.open(io.BytesIO(png.encode(picture)))

    assert read.size == (256, 3)
    assert np.array_equal(np.asarray(read.convert("RGB")), png.palette()[picture])
