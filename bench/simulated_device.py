"""A classifier whose device takes so long for each batch, however full: what a GPU looks like."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import Label, Manifest, Window, WindowScores


class SimulatedDevice:
    """Says nothing of value, after ``SIMULATED_MS`` for each batch; notes how full it was."""

    manifest = Manifest(
        name="simulated",
        version="1.0.0",
        labels=(Label("/m/01v_m0", "Sine wave"), Label("/m/0cj0r", "White noise")),
        sample_rate=8000,
        window=Window(1.0, 1.0),
        licence="CC0-1.0",
        description="Waits.",
        devices=("cuda",),
    )

    def load(self, device: str = "cpu") -> None:
        pass

    def predict(self, windows: npt.NDArray[np.float32]) -> WindowScores:
        time.sleep(int(os.environ.get("SIMULATED_MS", "50")) / 1000)
        with Path(os.environ.get("SIMULATED_LOG", os.devnull)).open("a") as log:
            log.write(f"{len(windows)}\n")
        loud = np.abs(windows).mean(axis=1)
        return WindowScores(np.clip(np.stack([loud, 1 - loud], axis=1), 0, 1).astype(np.float32))

    def pool(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        pooled: npt.NDArray[np.float32] = scores.max(axis=0)
        return pooled

    def close(self) -> None:
        pass
