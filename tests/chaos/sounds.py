"""The files of a chaos run: short clips in many containers, twins of some, and poisonous ones."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from earmark_files.identity import audio_identity
from tests.audio_factory import FORMATS

_FORMATS = ("wav-16", "wav-24", "flac-16", "aiff-16", "mp3", "ogg-vorbis", "bwf", "wav-f32")
_RATE = 16000
_TWIN_EVERY = 25
"""Every so many files one holds the same audio as the one before it."""

_DECODER_DEEDS = ("crash", "hang", "eat_memory", "abort", "late-killed", "leave", "late-hang")
"""Names at which the decoder misbehaves; see `tests.hostile_decoder`."""

POISON_CODES = frozenset({"not_audio", "decode_crashed", "decode_timeout", "decode_memory"}) | {
    "worker_died",
    "classifier_hung",
}


@dataclass(frozen=True)
class Sounds:
    """Files below a root, by their path relative to it.

    Attributes
    ----------
    root : Path
    good : dict
        Audio identity of each file that can be classified.
    poison : dict
        Content of each that cannot.
    """

    root: Path
    good: dict[str, str]
    poison: dict[str, bytes]


def make_sounds(root: Path, *, files: int, poison: int, seed: int) -> Sounds:
    """Write `files` good ones and `poison` others."""
    rng = np.random.default_rng(seed)
    good: dict[str, str] = {}
    last = root
    for number in range(files):
        folder = root / f"{number // 100:03}"
        folder.mkdir(parents=True, exist_ok=True)
        if number % _TWIN_EVERY == _TWIN_EVERY - 1:
            path = folder / f"{number:05} twin{last.suffix}"
            shutil.copyfile(last, path)
        else:
            kind = FORMATS[_FORMATS[int(rng.integers(len(_FORMATS)))]]
            path = folder / f"{number:05}.{kind.extension}"
            kind.write(path, _sound(rng), _RATE)
        last = path
        good[str(path.relative_to(root))] = audio_identity(path).hash
    bad = _make_poison(root / "poison", poison, rng)
    return Sounds(root, good, {str(path.relative_to(root)): path.read_bytes() for path in bad})


def _sound(rng: np.random.Generator) -> np.ndarray:
    """Return one to three seconds of a tone or of noise, no two alike."""
    t = np.arange(round(_RATE * rng.uniform(1.0, 3.0))) / _RATE
    if rng.random() < 0.5:
        sound = 0.5 * np.sin(2 * np.pi * rng.uniform(100, 3000) * t)
    else:
        sound = rng.uniform(-0.5, 0.5, t.size)
    return (sound + 0.001 * rng.standard_normal(t.size))[:, None].astype(np.float32)


def _make_poison(folder: Path, count: int, rng: np.random.Generator) -> list[Path]:
    """Write files that crash, hang or eat the memory of who reads or hears them."""
    paths = []
    kinds: list[Callable[[Path], Path]] = [_text, *map(_named, _DECODER_DEEDS), _killer, _hanger]
    for number, make in zip(range(count), itertools.cycle(kinds), strict=False):
        place = folder / f"{number:02}"
        place.mkdir(parents=True)
        paths.append(make(place))
    return paths


def _killer(place: Path) -> Path:
    path = place / "killer.wav"  # see tests.bands_classifier
    soundfile.write(path, np.full(_RATE, 0.9 - int(place.name) / 1000), _RATE)
    return path


def _hanger(place: Path) -> Path:
    path = place / "hanger.wav"
    soundfile.write(path, np.full(_RATE, int(place.name) / 1000 - 0.9), _RATE)
    return path


def _text(place: Path) -> Path:
    path = place / "text.wav"
    path.write_bytes(b"no sound at all, " * (10 + int(place.name)))
    return path


def _named(deed: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        path = place / f"{deed}.wav"
        soundfile.write(path, np.full(_RATE, 0.1 + int(place.name) / 1000), _RATE)
        return path

    return make
