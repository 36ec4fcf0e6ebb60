"""The plugin: the analysis behind Earmark's `Classifier` protocol."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from earmark_plugin_api import (
    DeviceUnavailableError,
    Label,
    Manifest,
    NotLoadedError,
    Window,
    WindowScores,
    require_window_scores,
    require_windows,
)

from earmark_plugin_tonal.analysis import energy_shares

MANIFEST = Manifest(
    name="tonal",
    version="1.0.0",
    labels=(
        Label("tone", "Tone"),
        Label("noise", "Noise"),
        Label("click", "Click"),
        Label("silence", "Silence"),
    ),
    sample_rate=16_000,
    window=Window(seconds=1.024, hop_seconds=0.512),
    licence="Apache-2.0",
    description="Measures how much of a sound is tone, noise, click and silence.",
)


class TonalClassifier:
    """Scores are measured shares, not probabilities: see `energy_shares`."""

    def __init__(self) -> None:
        self._loaded = False

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return MANIFEST

    def load(self, device: str = "cpu") -> None:
        """Nothing to read: there are no weights.

        Raises
        ------
        DeviceUnavailableError
            For any device but ``cpu``.
        """
        if device not in MANIFEST.devices:
            raise DeviceUnavailableError(f"tonal runs on cpu, not on {device!r}")
        self._loaded = True

    def predict(self, windows: npt.NDArray[np.float32]) -> WindowScores:
        """Measure each window.

        Raises
        ------
        NotLoadedError
            Before `load` or after `close`.
        InvalidInputError
            If the windows are not finite float32 of the manifest's length.
        """
        if not self._loaded:
            raise NotLoadedError("call load() before predict()")
        require_windows(MANIFEST, windows)
        return WindowScores(energy_shares(windows))

    def pool(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Average over the file: how much of the whole is tone, noise, click, silence.

        Raises
        ------
        InvalidInputError
            If there are no windows or not one column a label.
        """
        require_window_scores(MANIFEST, scores)
        clip: npt.NDArray[np.float32] = scores.mean(axis=0)
        return clip

    def close(self) -> None:
        """Nothing is held."""
        self._loaded = False
