"""What the taggers have in common, whatever computes them: windows, silence, pooling, pickling.

An `Engine` computes; a `Tagger` makes a classifier of it. NumPy only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from earmark_classifiers.calibration import Calibration
from earmark_classifiers.scores import SILENCE, fade_quiet, heard_share, quadratic_softmax
from earmark_plugin_api import (
    Manifest,
    NotLoadedError,
    WindowScores,
    require_window_scores,
    require_windows,
)

Floats = npt.NDArray[np.float32]


class Engine(Protocol):
    """A network with its weights on a device."""

    def __call__(self, windows: Floats) -> tuple[Floats, Floats | None]:
        """Compute one window or more.

        Parameters
        ----------
        windows : ndarray of float32, shape (windows, samples)

        Returns
        -------
        (ndarray, ndarray or None)
            Logits ``[windows, labels]`` and embeddings ``[windows, embedding_size]``.

        Raises
        ------
        OutOfDeviceMemoryError
            If not even one window fits.
        """
        ...


class Tagger(ABC):
    """A classifier whose engine maps windows to logits.

    A subclass says what it is (`manifest`) and makes its engine (`make_engine`).
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    @property
    @abstractmethod
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""

    @abstractmethod
    def make_engine(self, device: str) -> Engine:
        """Return the network on `device`.

        Raises
        ------
        DeviceUnavailableError
            If there is no such device, or the network does not run there.
        WeightsMissingError, PackageMissingError
            If weights or runtime are not on this machine or cannot be used.
        """

    def to_scores(self, logits: Floats) -> Floats:
        """Map logits to scores in [0, 1]; the sigmoid, unless a subclass knows better."""
        return Calibration()(logits)

    def load(self, device: str = "cpu") -> None:
        """Read the weights and move them to `device`.

        Raises
        ------
        DeviceUnavailableError, WeightsMissingError, PackageMissingError
            See `make_engine`.
        """
        self._engine = self.make_engine(device)

    def predict(self, windows: Floats) -> WindowScores:
        """Score windows ``[windows, samples]``.

        Scores fade to nothing, and "Silence" to one where there is such a label, where the peak
        of a window lies between -60 and -70 dBFS: what is that quiet is noise of the recording
        chain.

        Raises
        ------
        NotLoadedError, InvalidInputError, OutOfDeviceMemoryError
            See `earmark_plugin_api.Classifier.predict`.
        """
        manifest, engine = self.manifest, self._engine
        if engine is None:
            raise NotLoadedError(f"load the {manifest.name} classifier before predict")
        require_windows(manifest, windows)
        if not len(windows):
            size = manifest.embedding_size
            none = np.zeros((0, size), np.float32) if size else None
            return WindowScores(np.zeros((0, len(manifest.labels)), np.float32), none)
        logits, embeddings = engine(windows)
        scores = self.to_scores(logits)
        silence = [i for i, label in enumerate(manifest.labels) if label.id == SILENCE]
        if silence:
            return WindowScores(fade_quiet(scores, windows, silence[0]), embeddings)
        return WindowScores(scores * heard_share(windows), embeddings)

    def pool(self, scores: Floats) -> Floats:
        """Combine window scores ``[windows, labels]`` so that a short event is not lost.

        Raises
        ------
        InvalidInputError
            If there is no window or a score is not one.
        """
        require_window_scores(self.manifest, scores)
        return quadratic_softmax(scores)

    def close(self) -> None:
        """Give the network's memory back."""
        self._engine = None

    def __getstate__(self) -> dict[str, str]:
        """Pickle as an unloaded classifier: the weights are on every machine already."""
        return {}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__()  # type: ignore[misc]
