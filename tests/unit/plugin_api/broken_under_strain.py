"""Classifiers that go wrong with odd sounds, several threads or many calls."""

from __future__ import annotations

import mmap
import time

import numpy as np
from healthy_classifier import Array, Healthy


class StandardisesWithoutFloor(Healthy):
    def shares(self, windows: Array) -> Array:
        with np.errstate(invalid="ignore"):
            exact = windows.astype(np.float64)
            centred = exact - exact.mean(axis=1, keepdims=True)
            return super().shares(centred / exact.std(axis=1, keepdims=True))


class NeedsAWindow(Healthy):
    def shares(self, windows: Array) -> Array:
        return super().shares(windows / max(1.0, abs(windows[0]).max())).astype(np.float32)


class FirstEightOnly(Healthy):
    def shares(self, windows: Array) -> Array:
        shares = super().shares(windows)
        shares[8:] = 0
        return shares


class GatedByLevel(Healthy):
    def shares(self, windows: Array) -> Array:
        rms = np.sqrt(np.mean(np.square(windows), axis=1, keepdims=True))
        return np.asarray(super().shares(windows) * (rms > 0.05).astype(np.float32))


class SoftmaxOfSilence(Healthy):
    def shares(self, windows: Array) -> Array:
        shares = super().shares(windows)
        return np.asarray(shares + (1 - shares.sum(axis=1, keepdims=True)) / np.float32(3))


class TrustsFullScale(Healthy):
    def shares(self, windows: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return super().shares(np.asarray(np.arcsin(windows)))


class StateOnSelf(Healthy):
    def shares(self, windows: Array) -> Array:
        self._windows = windows
        time.sleep(0.001)
        return super().shares(self._windows)


class KeepsHistory(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self._history: list[Array] = []

    def shares(self, windows: Array) -> Array:
        self._history.append(windows.copy())
        return super().shares(windows)


class LeaksOutsidePython(Healthy):
    """What a C++ library does that frees nothing: the pages are not NumPy's or Python's."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: list[mmap.mmap] = []

    def shares(self, windows: Array) -> Array:
        page = mmap.mmap(-1, 4 * 2**20)
        page.write(b"\1" * len(page))
        self._pages.append(page)
        return super().shares(windows)

    def close(self) -> None:
        super().close()
        for page in self._pages:
            page.close()
