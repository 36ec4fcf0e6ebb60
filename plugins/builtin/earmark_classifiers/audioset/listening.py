"""What the network of `audioset` hears of a window; NumPy only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from earmark_classifiers.level import to_full_scale
from earmark_classifiers.networks.logmel_numpy import NumpyLogMel
from earmark_classifiers.networks.logmel_spec import EFFICIENTAT

Floats = npt.NDArray[np.float32]

FRONT_END = EFFICIENTAT
"""What its teacher hears, so that what the teacher's filters know holds here too."""


def make_front_end() -> Callable[[Floats], Floats]:
    """Return what maps windows of any level to the log-mels ``[windows, 1, bands, frames]``."""
    logmel = NumpyLogMel(FRONT_END)
    return lambda windows: logmel(to_full_scale(windows))
