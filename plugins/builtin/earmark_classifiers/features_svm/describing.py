"""What the classic backends know of a window: 136 numbers, whatever its level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features import MID_TERM_NAMES, mid_term_features
from earmark_plugin_api import Window

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""In hertz: what a library holds above 8 kHz is often cut away by its format anyway."""

WINDOW = Window(seconds=5.0, hop_seconds=5.0)

LEVEL_FLOOR = 10 ** (-50 / 20)
"""Windows are brought to full scale, but never by more than 50 dB: noise must stay quiet."""


def describe_windows(windows: Floats) -> Floats:
    """Return the features of windows ``[windows, samples]`` as ``[windows, 136]``.

    Mean and standard deviation over the whole window, after its peak was brought to full scale:
    the level of a recording says how it was made, not what it is of.
    """
    peaks = np.abs(windows).max(axis=1, keepdims=True)
    levelled = (windows / np.maximum(peaks, LEVEL_FLOOR)).astype(np.float32)
    features = mid_term_features(levelled, SAMPLE_RATE)
    return features.reshape(len(windows), len(MID_TERM_NAMES))
