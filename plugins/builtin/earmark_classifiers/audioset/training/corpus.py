"""The training corpus: decoded once into one flat file, read as memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 32_000
"""Sample rate of the decoded corpus in hertz: what the teacher hears."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Clips of a corpus with the scores a teacher gave them.

    Attributes
    ----------
    audio : ndarray of int16, shape (all samples,)
        The clips one after another at 32 kHz, mono.
    offsets : ndarray of int64, shape (clips + 1,)
    teacher : ndarray of float32, shape (clips, 527)
        The teacher's logits for each clip at its own length.
    is_val : ndarray of bool, shape (clips,)
    clip_ids : tuple of str
    """

    audio: npt.NDArray[np.int16]
    offsets: npt.NDArray[np.int64]
    teacher: npt.NDArray[np.float32]
    is_val: npt.NDArray[np.bool_]
    clip_ids: tuple[str, ...]

    def samples(self, clip: int) -> npt.NDArray[np.int16]:
        """Return the samples of one clip."""
        return self.audio[self.offsets[clip] : self.offsets[clip + 1]]


def open_corpus(folder: Path, cache: Path) -> Corpus:
    """Open the corpus in `folder`, decoding it into `cache` the first time.

    Parameters
    ----------
    folder : Path
        Holds ``manifest.csv``, ``teacher_scores.npz`` and the audio the manifest names.
    cache : Path
        A folder for about 5 GB of decoded audio.
    """
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not (cache / "offsets.npy").exists():
        cache.mkdir(parents=True, exist_ok=True)
        _decode([folder / row["path"] for row in rows], cache)
    scores = np.load(folder / "teacher_scores.npz")
    return Corpus(
        audio=np.load(cache / "audio.npy", mmap_mode="r"),
        offsets=np.load(cache / "offsets.npy"),
        teacher=scores["mn04_logit_x8"].astype(np.float32) / 8,
        is_val=np.array([row["split"] == "val" for row in rows]),
        clip_ids=tuple(row["clip_id"] for row in rows),
    )


def read_challenge_labels(folder: Path) -> dict[str, tuple[str, str]]:
    """Read ``labels41.csv``: clip id to (challenge label, split)."""
    with (folder / "labels41.csv").open(newline="") as file:
        return {row["clip_id"]: (row["label"], row["split"]) for row in csv.DictReader(file)}


def _decode(paths: list[Path], cache: Path) -> None:
    clips: list[npt.NDArray[np.int16]] = list(_decode_all(paths))
    np.save(cache / "audio.npy", np.concatenate(clips))
    offsets = np.cumsum([0, *(len(clip) for clip in clips)])
    np.save(cache / "offsets.npy", offsets)  # last: its presence says the cache is whole


def _decode_all(paths: list[Path]) -> Iterator[npt.NDArray[np.int16]]:
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(_decode_one, paths)


def _decode_one(path: Path) -> npt.NDArray[np.int16]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE, "HQ")
    clip: npt.NDArray[np.int16] = np.clip(np.round(mono * 32767), -32768, 32767).astype(np.int16)
    return clip
