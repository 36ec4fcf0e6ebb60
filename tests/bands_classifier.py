"""A small real classifier for tests: where the energy of a window lies, and how tonal it is.

`tests.tag_harness` lays it out as an installed distribution of its own. It needs no weights, so
these tests are about the pipeline and not about a network. Environment variables make it slow
(``BANDS_SECONDS_PER_WINDOW``) and keep a record of what it was asked (``BANDS_LOG``). A second
one has a mistake in it, unless ``BROKEN_MENDED`` is set; a third lacks its weights.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import Label, Manifest, WeightsMissingError, Window, WindowScores

Floats = npt.NDArray[np.float32]


class Bands:
    """Sine waves, white noise and low tones at 8 kHz, in windows of a second."""

    manifest = Manifest(
        name="bands",
        version="1.0.0",
        labels=(
            Label("/m/01v_m0", "Sine wave"),
            Label("/m/0cj0r", "White noise"),
            Label("/m/0284vy3", "Train horn"),
            Label("/m/03m5k", "Harp"),
        ),
        sample_rate=8000,
        window=Window(1.0, 1.0),
        licence="CC0-1.0",
        description="Energy in bands.",
    )

    def load(self, device: str = "cpu") -> None:
        _record("load")

    def predict(self, windows: Floats) -> WindowScores:
        if (windows.min(axis=1) > 0.5).any():
            os.abort()  # a sound that is all offset brings this classifier down
        if (windows.max(axis=1) < -0.5).any():
            _hang()  # and to the other side
        _record(f"windows {len(windows)}")
        time.sleep(float(os.environ.get("BANDS_SECONDS_PER_WINDOW", "0")) * len(windows))
        power = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2 + 1e-12
        share = power / power.sum(axis=1, keepdims=True)
        tonal = np.sort(share, axis=1)[:, -8:].sum(axis=1)
        flat = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        low = share[:, : windows.shape[1] // 20].sum(axis=1)
        scores = np.stack([tonal, flat, low * tonal, 0.05 * flat], axis=1)
        return WindowScores(np.clip(scores, 0, 1).astype(np.float32))

    def pool(self, scores: Floats) -> Floats:
        pooled: Floats = scores.max(axis=0)
        return pooled

    def close(self) -> None:
        pass


class Broken(Bands):
    """The same with a mistake in it."""

    manifest = replace(Bands.manifest, name="broken")

    def predict(self, windows: Floats) -> WindowScores:
        if "BROKEN_MENDED" not in os.environ:
            raise ValueError("shapes do not match")
        return super().predict(windows)


class Stuck(Bands):
    """The same, not to be loaded in any time."""

    manifest = replace(Bands.manifest, name="stuck")

    def load(self, device: str = "cpu") -> None:
        _hang()


class Endless(Bands):
    """The same, and never done."""

    manifest = replace(Bands.manifest, name="endless")

    def predict(self, windows: Floats) -> WindowScores:
        _hang()
        raise AssertionError("it has come back")


class Weightless(Bands):
    """The same without its weights."""

    manifest = replace(Bands.manifest, name="weightless")

    def load(self, device: str = "cpu") -> None:
        raise WeightsMissingError("The weights are not here; fetch them.")


def _hang() -> None:
    """Wait for ever in native code that holds the interpreter."""
    ctypes.PyDLL(None).pause()


def _record(line: str) -> None:
    with Path(os.environ.get("BANDS_LOG", os.devnull)).open("a") as log:
        log.write(f"{line}\n")
