"""The level at which classifiers hear a window: how loud it was recorded says little of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LEVEL_FLOOR = 10 ** (-50 / 20)
"""Windows are brought to full scale, but never by more than 50 dB: noise must stay quiet."""


def to_full_scale(windows: Floats) -> Floats:
    """Scale each row of ``[windows, samples]`` to a peak of 1, or by 50 dB where that is less."""
    peaks = np.abs(windows).max(axis=1, keepdims=True)
    levelled: Floats = windows / np.maximum(peaks, np.float32(LEVEL_FLOOR))
    return levelled
