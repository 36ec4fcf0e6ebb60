"""The contract between Earmark and a classifier plugin.

A plugin is a class that satisfies `Classifier`, named in the entry-point group
``earmark.classifiers``. This package needs NumPy and nothing else, so a plugin can be written,
tested and used in a notebook without Earmark being installed.
"""

from earmark_plugin_api.classifier import (
    API_VERSION,
    ChecksAvailability,
    Classifier,
    WindowScores,
)
from earmark_plugin_api.errors import (
    ClassifierError,
    DeviceUnavailableError,
    InvalidInputError,
    InvalidManifestError,
    InvalidOutputError,
    NotLoadedError,
    OutOfDeviceMemoryError,
    PackageMissingError,
    WeightsMissingError,
)
from earmark_plugin_api.manifest import Label, Manifest
from earmark_plugin_api.validation import (
    require_clip_scores,
    require_result,
    require_window_scores,
    require_windows,
)
from earmark_plugin_api.values import AudioClip, Prediction, top_predictions
from earmark_plugin_api.windows import ClipWindow, Window, WindowCutter, cut_windows

__all__ = [
    "API_VERSION",
    "AudioClip",
    "ChecksAvailability",
    "Classifier",
    "ClassifierError",
    "ClipWindow",
    "DeviceUnavailableError",
    "InvalidInputError",
    "InvalidManifestError",
    "InvalidOutputError",
    "Label",
    "Manifest",
    "NotLoadedError",
    "OutOfDeviceMemoryError",
    "PackageMissingError",
    "Prediction",
    "WeightsMissingError",
    "Window",
    "WindowCutter",
    "WindowScores",
    "cut_windows",
    "require_clip_scores",
    "require_result",
    "require_window_scores",
    "require_windows",
    "top_predictions",
]
