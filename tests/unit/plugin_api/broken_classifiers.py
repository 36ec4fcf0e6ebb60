"""One healthy classifier, and for every check of the suite classifiers that break its rule.

The broken ones differ from the healthy one in as little as possible and in a way that plugins do
go wrong. They stand at the top of a module because some checks import them in a new process.
"""

from __future__ import annotations

import dataclasses
import itertools
import mmap
import sys
import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import (
    DeviceUnavailableError,
    InvalidInputError,
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


class Logits(Healthy):
    def shares(self, windows: Array) -> Array:
        return 10 * super().shares(windows) - 5


class DoubleScores(Healthy):
    def shares(self, windows: Array) -> Array:
        return super().shares(windows).astype(np.float64)


class NotANumber(Healthy):
    def shares(self, windows: Array) -> Array:
        return super().shares(windows) * np.float32(np.nan)


class RowMissing(Healthy):
    def shares(self, windows: Array) -> Array:
        return super().shares(windows)[1:]


class RaisesOnPredict(Healthy):
    def shares(self, windows: Array) -> Array:
        raise ZeroDivisionError("division by zero")


class ColumnTooMany(Healthy):
    def shares(self, windows: Array) -> Array:
        return np.pad(super().shares(windows), ((0, 0), (0, 1)))


class DropoutLeftOn(Healthy):
    def shares(self, windows: Array) -> Array:
        kept = np.random.default_rng().uniform(size=(len(windows), 3)) > 0.5
        return super().shares(windows) * kept.astype(np.float32)


class RandomHead(Healthy):
    _instances = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self._seed = next(self._instances)

    def shares(self, windows: Array) -> Array:
        head = np.random.default_rng(self._seed).uniform(size=3)
        return super().shares(windows) * head.astype(np.float32)


class NormalisedByBatch(Healthy):
    def shares(self, windows: Array) -> Array:
        shares = super().shares(windows)
        return shares / np.float32(max(shares.max(initial=0.0), 1e-9))


class FirstRowFavoured(Healthy):
    def shares(self, windows: Array) -> Array:
        shares = super().shares(windows)
        shares[1:] *= np.float32(0.9)
        return shares


class EmbeddingsCentredOnBatch(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        scores = super().predict(windows).scores
        centre = scores.mean(axis=0) if len(scores) else np.float32(0)
        return WindowScores(scores, scores - centre)


class TakesAnything(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        if self._edges is None:
            raise NotLoadedError("call load() first")
        scores = self.shares(np.nan_to_num(np.atleast_2d(windows)).astype(np.float32))
        return WindowScores(scores, 2 * scores)


class WrongErrorForInput(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        try:
            return super().predict(windows)
        except InvalidInputError as error:
            raise ValueError(str(error)) from error


class UpsetByRefusal(Healthy):
    _refused = False

    def predict(self, windows: Array) -> WindowScores:
        try:
            return super().predict(windows)
        except InvalidInputError:
            self._refused = True
            raise

    def shares(self, windows: Array) -> Array:
        return super().shares(windows) * np.float32(0.5 if self._refused else 1.0)


class NormalisesInPlace(Healthy):
    def shares(self, windows: Array) -> Array:
        shares = super().shares(windows)
        windows /= np.float32(2)
        return shares


class NeedsWritableInput(Healthy):
    def shares(self, windows: Array) -> Array:
        windows[:0] = 0
        return super().shares(windows)


class BufferUsedAgain(Healthy):
    def __init__(self) -> None:
        super().__init__()
        self._buffer = np.zeros((64, 3), np.float32)

    def shares(self, windows: Array) -> Array:
        out = self._buffer[: len(windows)]
        out[:] = super().shares(windows)
        return out


class EmbeddingTooShort(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        scores = super().predict(windows).scores
        return WindowScores(scores, scores[:, :2].copy())


class EmbeddingMissing(Healthy):
    def predict(self, windows: Array) -> WindowScores:
        return WindowScores(super().predict(windows).scores)


class EmbeddingNotDeclared(Healthy):
    @property
    def manifest(self) -> Manifest:
        return dataclasses.replace(MANIFEST, embedding_size=0)


class PoolsToDouble(Healthy):
    def pool(self, scores: Array) -> Array:
        return super().pool(scores).astype(np.float64)


class PoolDividesByZero(Healthy):
    def pool(self, scores: Array) -> Array:
        require_window_scores(self.manifest, scores)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.square(scores).sum(axis=0) / scores.sum(axis=0))


class PoolChangesInput(Healthy):
    def pool(self, scores: Array) -> Array:
        pooled = super().pool(scores)
        scores.sort(axis=0)
        return pooled


class PoolRaises(Healthy):
    def pool(self, scores: Array) -> Array:
        raise NotImplementedError


class PoolCalibrates(Healthy):
    def pool(self, scores: Array) -> Array:
        return np.sqrt(super().pool(scores))


class PoolAddsUp(Healthy):
    def pool(self, scores: Array) -> Array:
        require_window_scores(self.manifest, scores)
        return np.asarray(np.minimum(scores.sum(axis=0), np.float32(1)))


class PoolForgetsTheStart(Healthy):
    def pool(self, scores: Array) -> Array:
        require_window_scores(self.manifest, scores)
        weights = np.arange(1, len(scores) + 1, dtype=np.float32)
        return np.asarray(np.average(scores, axis=0, weights=weights)).astype(np.float32)


class PoolSortsLabels(Healthy):
    def pool(self, scores: Array) -> Array:
        return np.sort(super().pool(scores))[::-1].copy()


class PoolsNothingToZero(Healthy):
    def pool(self, scores: Array) -> Array:
        if len(scores) == 0:
            return np.zeros(3, np.float32)
        return super().pool(scores)


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


BROKEN: dict[str, tuple[type, ...]] = {
    "check_manifest": (NoPool, ManifestFromWeights, ManifestAsDict, ManifestForcedIn),
    "check_construction_is_cheap": (HeavyImport, WeightsInConstructor, OnlyUnderPytest),
    "check_label_order": (LabelsFromSet,),
    "check_not_loaded": (PredictsUnloaded, PredictsAfterClose, WrongErrorUnloaded),
    "check_close_twice": (ClosesOnce,),
    "check_reload": (LoadsOnce, LoadsOnTop),
    "check_pickling": (
        LockFromTheStart,
        LockOnceLoaded,
        ForgetsWhenPickled,
        ManifestLostWhenPickled,
        PicklingChangesIt,
    ),
    "check_unknown_device": (AnyDevice, WrongErrorForDevice, RefusedForGood),
    "check_score_range": (Logits, DoubleScores, NotANumber, RowMissing, RaisesOnPredict),
    "check_label_columns": (ColumnTooMany,),
    "check_determinism": (DropoutLeftOn, RandomHead),
    "check_batch_invariance": (NormalisedByBatch, FirstRowFavoured, EmbeddingsCentredOnBatch),
    "check_invalid_input": (TakesAnything, WrongErrorForInput, UpsetByRefusal),
    "check_input_not_modified": (NormalisesInPlace, NeedsWritableInput),
    "check_results_are_independent": (BufferUsedAgain,),
    "check_embeddings": (EmbeddingTooShort, EmbeddingMissing, EmbeddingNotDeclared),
    "check_pool_output": (PoolsToDouble, PoolDividesByZero, PoolChangesInput, PoolRaises),
    "check_pool_single_window": (PoolCalibrates,),
    "check_pool_within_bounds": (PoolAddsUp,),
    "check_pool_permutation": (PoolForgetsTheStart,),
    "check_pool_label_order": (PoolSortsLabels,),
    "check_pool_of_no_windows": (PoolsNothingToZero,),
    "check_short_clips": (StandardisesWithoutFloor,),
    "check_empty_clip": (NeedsAWindow,),
    "check_long_clip": (FirstEightOnly,),
    "check_level_robustness": (GatedByLevel,),
    "check_silence": (SoftmaxOfSilence,),
    "check_extreme_sounds": (TrustsFullScale,),
    "check_thread_safety": (StateOnSelf,),
    "check_memory_growth": (KeepsHistory, LeaksOutsidePython),
}
"""By the name of the check that must find them."""
