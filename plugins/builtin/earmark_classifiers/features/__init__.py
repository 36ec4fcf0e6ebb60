"""The classic features of sound, as arrays: 34 a frame, 68 with deltas, 136 a mid-term window.

Pure NumPy and public on its own::

    from earmark_classifiers.features import MID_TERM_NAMES, mid_term_features

    values = mid_term_features(samples, 16_000, window_seconds=1.0)  # [windows, 136]

The set is that of Giannakopoulos, "pyAudioAnalysis", PLoS ONE 10(12), 2015; each function names the
source of its formula.
"""

from earmark_classifiers.features.extractor import mid_term_features, short_term_features
from earmark_classifiers.features.frames import FrameSpec
from earmark_classifiers.features.names import (
    MID_TERM_NAMES,
    SHORT_TERM_DELTA_NAMES,
    SHORT_TERM_NAMES,
)

__all__ = [
    "MID_TERM_NAMES",
    "SHORT_TERM_DELTA_NAMES",
    "SHORT_TERM_NAMES",
    "FrameSpec",
    "mid_term_features",
    "short_term_features",
]
