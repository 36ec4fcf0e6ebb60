"""The training sounds, decoded once into one flat file that is read as memory.

Decoding and resampling cost more than anything the first layers of a small network do, and a
training hears every sound dozens of times. On disk as 16-bit samples an hour at 16 kHz takes
115 MB; in memory the system keeps what fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_classifiers.training.data import LabelledClip
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder

Floats = npt.NDArray[np.float32]

_FULL_SCALE = 32767.0


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be trained with.

    Attributes
    ----------
    path : Path
    code, message : str
        Why, as for people.
    """

    path: Path
    code: str
    message: str


class SoundStore:
    """Decoded clips by path.

    Attributes
    ----------
    sample_rate : int
        In hertz.
    unreadable : tuple of Unreadable
        Files that could not be decoded; `samples` knows nothing of them.
    """

    def __init__(
        self,
        file: Path,
        sample_rate: int,
        places: dict[Path, tuple[int, int, float]],
        unreadable: Sequence[Unreadable],
    ) -> None:
        self.sample_rate = sample_rate
        self.unreadable = tuple(unreadable)
        self._places = places
        self._audio: npt.NDArray[np.int16] = (
            np.memmap(file, np.int16, "r") if places else np.zeros(0, np.int16)
        )

    def samples(self, clip: LabelledClip) -> Floats:
        """Return a clip.

        Returns
        -------
        ndarray of float32, shape (n,)
            Mono at `sample_rate`, n >= 1; the level is the file's own.
        """
        begin, end, scale = self._places[clip.path]
        return self._audio[begin:end].astype(np.float32) * np.float32(scale)

    def length(self, clip: LabelledClip) -> int:
        """Return how many samples a clip has."""
        begin, end, _ = self._places[clip.path]
        return end - begin


def decode_sounds(
    clips: Sequence[LabelledClip],
    sample_rate: int,
    folder: Path,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> SoundStore:
    """Decode all clips into a file in `folder`, in a guarded child process.

    Parameters
    ----------
    clips : sequence of LabelledClip
    sample_rate : int
        In hertz.
    folder : Path
        Exists; gets one file ``sounds-<rate>.pcm`` for as long as the store is used.
    report : callable
        Called with how many clips are done, and of how many.

    Returns
    -------
    SoundStore
        Files that cannot be read are listed in it; the caller decides whether enough is left.

    Raises
    ------
    OSError
        If `folder` is full or cannot be written to.
    """
    path = folder / f"sounds-{sample_rate}.pcm"
    places: dict[Path, tuple[int, int, float]] = {}
    unreadable = []
    written = 0
    with path.open("wb") as file, GuardedDecoder() as decoder:
        for done, clip in enumerate(clips, 1):
            try:
                with decoder.stream(clip.path, sample_rate=sample_rate) as blocks:
                    samples = np.concatenate(list(blocks))
            except AudioFileError as error:
                unreadable.append(Unreadable(clip.path, error.code, error.message))
            else:
                # Float files may go beyond full scale, and quiet ones keep all their bits.
                scale = float(np.abs(samples).max()) / _FULL_SCALE or 1.0
                file.write(np.round(samples / scale).astype(np.int16).tobytes())
                places[clip.path] = (written, written + len(samples), scale)
                written += len(samples)
            report(done, len(clips))
    return SoundStore(path, sample_rate, places, unreadable)
