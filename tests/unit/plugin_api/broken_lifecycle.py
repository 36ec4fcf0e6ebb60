"""Classifiers that go wrong before they score: manifest, construction, load, close, pickle."""

from __future__ import annotations

import dataclasses
import sys
import threading
from typing import Any

import numpy as np
from healthy_classifier import MANIFEST, Array, Healthy

from earmark_plugin_api import (
    Label,
    Manifest,
    WindowScores,
)


class NoPool:
    """Lacks a method."""

    manifest = MANIFEST
    load = Healthy.load
    predict = Healthy.predict
    close = Healthy.close


class ManifestFromWeights(Healthy):
    @property
    def manifest(self) -> Manifest:
        known = "unknown" if self._edges is None else str(self._edges)
        return dataclasses.replace(MANIFEST, description=known)


class ManifestAsDict(Healthy):
    manifest: Any = dataclasses.asdict(MANIFEST)


class ManifestForcedIn(Healthy):
    @property
    def manifest(self) -> Manifest:
        forced = dataclasses.replace(MANIFEST)
        object.__setattr__(forced, "licence", "")
        return forced


class HeavyImport(Healthy):
    def __init__(self) -> None:
        super().__init__()
        import matplotlib  # noqa: F401


class WeightsInConstructor(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self._weights = np.ones(32 * 2**20, np.uint8)


class OnlyUnderPytest(Healthy):
    def __init__(self) -> None:
        super().__init__()
        if "pytest" not in sys.modules:
            raise RuntimeError("works on my machine")


class LabelsFromSet(Healthy):
    @property
    def manifest(self) -> Manifest:
        names = {"low", "middle", "high", *(f"band-{i}" for i in range(20))}
        return dataclasses.replace(MANIFEST, labels=tuple(Label(n, n) for n in names))


class PredictsUnloaded(Healthy):
    def __init__(self) -> None:
        self._edges = [0]

    def close(self) -> None:
        self._edges = [0]


class PredictsAfterClose(Healthy):
    def close(self) -> None:
        pass


class WrongErrorUnloaded(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        if self._edges is None:
            raise RuntimeError("weights are None")
        return super().predict(windows)


class ClosesOnce(Healthy):
    def close(self) -> None:
        if self._edges is None:
            raise RuntimeError("already closed")
        super().close()


class LoadsOnce(Healthy):
    _used = False

    def load(self, device: str = "cpu") -> None:
        if self._used:
            raise RuntimeError("session was used before")
        super().load(device)
        self._used = True


class LoadsOnTop(Healthy):
    _loads = 0

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        self._loads += 1

    def shares(self, windows: Array) -> Array:
        return super().shares(windows) / np.float32(self._loads)


class LockFromTheStart(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()


class LockOnceLoaded(Healthy):
    def load(self, device: str = "cpu") -> None:
        super().load(device)
        self._lock = threading.Lock()


class ForgetsWhenPickled(Healthy):
    _gain = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._gain = 0.5

    def __getstate__(self) -> dict[str, Any]:
        return {"_edges": None}

    def shares(self, windows: Array) -> Array:
        return super().shares(windows) * np.float32(self._gain)


class ManifestLostWhenPickled(Healthy):
    _name = "lost"

    def __init__(self) -> None:
        super().__init__()
        self._name = "healthy"

    def __getstate__(self) -> dict[str, Any]:
        return {"_edges": None}

    @property
    def manifest(self) -> Manifest:
        return dataclasses.replace(MANIFEST, name=self._name)


class PicklingChangesIt(Healthy):
    _gain = 1.0

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        self._gain = 0.5
        return state

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        self._gain = 1.0

    def shares(self, windows: Array) -> Array:
        return super().shares(windows) * np.float32(self._gain)


class AnyDevice(Healthy):
    def load(self, device: str = "cpu") -> None:
        super().load("cpu")


class WrongErrorForDevice(Healthy):
    def load(self, device: str = "cpu") -> None:
        if device != "cpu":
            raise RuntimeError("Torch not compiled with CUDA enabled")
        super().load(device)


class RefusedForGood(Healthy):
    _refused = False

    def load(self, device: str = "cpu") -> None:
        if self._refused:
            raise RuntimeError("in a bad state")
        self._refused = device != "cpu"
        super().load(device)
