"""A small classifier that keeps every rule of the contract; the broken ones differ from it.

It stands in a module of its own because some checks import it in a new process.
"""

from __future__ import annotations

from typing import Any

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

Array = npt.NDArray[Any]

MANIFEST = Manifest(
    name="healthy",
    version="1.0.0",
    labels=tuple(Label(name, name.title()) for name in ("low", "middle", "high")),
    sample_rate=8_000,
    window=Window(seconds=0.5, hop_seconds=0.25),
    licence="Apache-2.0",
    description="Where in the spectrum the energy lies.",
    embedding_size=3,
)


class Healthy:
    """Scores are shares of the energy in three bands, faded out below -80 dBFS."""

    def __init__(self) -> None:
        self._edges: list[int] | None = None

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    def load(self, device: str = "cpu") -> None:
        if device != "cpu":
            raise DeviceUnavailableError(f"no {device!r} here")
        self._edges = [0, 250, 600]

    def predict(self, windows: Array) -> WindowScores:
        if self._edges is None:
            raise NotLoadedError("call load() first")
        require_windows(self.manifest, windows)
        scores = self.shares(windows)
        return WindowScores(scores, 2 * scores)

    def shares(self, windows: Array) -> Array:
        power = np.square(np.abs(np.fft.rfft(windows.astype(np.float64), axis=1)))
        bands = np.add.reduceat(power, [0, 250, 600], axis=1)
        rms = np.sqrt(np.mean(np.square(windows.astype(np.float64)), axis=1))
        bands /= np.maximum(bands.sum(axis=1), 1e-300)[:, None]
        faded: Array = (bands * np.clip(rms / 1e-3, 0, 1)[:, None]).astype(np.float32)
        return np.clip(faded, 0, 1)

    def pool(self, scores: Array) -> Array:
        require_window_scores(self.manifest, scores)
        return np.asarray(scores.mean(axis=0))

    def close(self) -> None:
        self._edges = None
