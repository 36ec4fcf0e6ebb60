"""Classifiers that score, but not as the contract says."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from healthy_classifier import MANIFEST, Array, Healthy

from earmark_plugin_api import (
    InvalidInputError,
    Manifest,
    NotLoadedError,
    WindowScores,
)


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
