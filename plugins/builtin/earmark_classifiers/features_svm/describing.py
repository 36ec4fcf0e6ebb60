"""What the classic backends know of a window: 136 numbers, whatever its level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features import MID_TERM_NAMES, mid_term_features
from earmark_classifiers.level import to_full_scale
from earmark_plugin_api import Window

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""In hertz: what a library holds above 8 kHz is often cut away by its format anyway."""

WINDOW = Window(seconds=5.0, hop_seconds=5.0)


def describe_windows(windows: Floats) -> Floats:
    """Return the features of windows ``[windows, samples]`` as ``[windows, 136]``.

    Mean and standard deviation over the whole window, after its peak was brought to full scale:
    the level of a recording says how it was made, not what it is of.
    """
    features = mid_term_features(to_full_scale(windows), SAMPLE_RATE)
    return features.reshape(len(windows), len(MID_TERM_NAMES))
