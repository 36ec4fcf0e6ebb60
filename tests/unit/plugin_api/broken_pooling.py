"""Classifiers that combine window scores wrongly."""

from __future__ import annotations

import numpy as np
from healthy_classifier import Array, Healthy

from earmark_plugin_api import (
    require_window_scores,
)


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
