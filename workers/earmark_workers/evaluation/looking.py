"""Decoding a sound to look at it: its anatomy and what its file says, through a guarded child."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earmark_classifiers.evaluation.anatomy import Anatomy, Dissection
from earmark_files.decoding import AudioInfo
from earmark_files.guard import GuardedDecoder

HIGHEST_RATE = 48_000
"""Sounds above are looked at resampled: what lies above 24 kHz nobody hears."""

LOWEST_RATE = 4_000
"""Sounds below are looked at resampled: a frame of fewer samples has too few frequencies."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What a file says about itself, and what its sound looks like, mixed to one channel."""

    info: AudioInfo
    sound: Anatomy

    @property
    def seconds(self) -> float:
        """Exact length where the file tells it, else that of what was decoded."""
        frames = self.info.frames
        return frames / self.info.sample_rate if frames else self.sound.seconds


def look(guard: GuardedDecoder, path: Path) -> Looked:
    """Decode a whole file once, in constant memory.

    Raises
    ------
    AudioFileError
        If it cannot be decoded.
    """
    info = guard.probe(path)
    rate = min(max(info.sample_rate, LOWEST_RATE), HIGHEST_RATE)
    dissection = Dissection(rate, info.duration)
    with guard.stream(path, sample_rate=rate) as blocks:
        for block in blocks:
            dissection.push(block)
    return Looked(info, dissection.finish())
