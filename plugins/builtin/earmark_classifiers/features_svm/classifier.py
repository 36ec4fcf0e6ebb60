"""The backend classes: classic features judged by support vector machines or a forest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features_svm.describing import describe_windows
from earmark_classifiers.tabular.classifier import TabularClassifier

Floats = npt.NDArray[np.float32]

BUNDLED = Path(__file__).with_name("bundled")


class FeaturesSvmClassifier(TabularClassifier):
    """136 classic features of a window, and an SVM or forest over them.

    Parameters
    ----------
    folder : Path
        A classifier somebody trained; by default the one of 39 classes that comes with Earmark,
        see ``docs/models/features-svm.md``.
    """

    def __init__(self, folder: Path = BUNDLED) -> None:
        super().__init__(folder)

    def describe(self, windows: Floats) -> tuple[Floats, None]:
        """Return the features of windows ``[windows, samples]``; there is no embedding."""
        return describe_windows(windows), None
