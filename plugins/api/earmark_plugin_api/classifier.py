"""What a classifier must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.manifest import API_VERSION, Manifest

__all__ = ["API_VERSION", "ChecksAvailability", "Classifier", "WindowScores"]


@dataclass(frozen=True, eq=False)
class WindowScores:
    """What a classifier says about a batch of windows, row by row.

    Attributes
    ----------
    scores : ndarray of float32, shape (windows, labels)
        In [0, 1].
    embeddings : ndarray of float32, shape (windows, embedding_size), or None
        A description of each window that similar sounds share.
    """

    scores: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32] | None = None


@runtime_checkable
class Classifier(Protocol):
    """A backend: windows in, scores out.

    An instance is made without arguments, cheaply and without heavy imports; `load` makes it
    ready. After `load`, `predict` and `pool` may be called from several threads. The scores of
    a window do not depend on the other windows of its batch: the platform fills batches with
    windows of many files.

    What comes in is never modified; what is returned belongs to the caller. An instance can be
    pickled, loaded or not; the copy has to be loaded before use. `earmark_plugin_api.testing`
    checks all of this.
    """

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs; the same before and after `load`."""
        ...

    def load(self, device: str = "cpu") -> None:
        """Read the weights and move them to `device` (``cpu``, ``cuda``, ``cuda:1``).

        Raises
        ------
        WeightsMissingError
            If the weights are not on this machine.
        DeviceUnavailableError
            If there is no such device.
        """
        ...

    def predict(self, windows: npt.NDArray[np.float32]) -> WindowScores:
        """Score a batch.

        Parameters
        ----------
        windows : ndarray of float32, shape (windows, samples)
            Mono, at the manifest's rate and window length; zero rows are allowed.

        Raises
        ------
        NotLoadedError
            Before `load` or after `close`.
        InvalidInputError
            If shape or type are wrong or a value is not finite.
        OutOfDeviceMemoryError
            If the batch does not fit; the caller halves it.
        """
        ...

    def pool(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Combine the window scores of one file to its clip scores.

        Parameters
        ----------
        scores : ndarray of float32, shape (windows, labels), windows >= 1
            What `predict` returned for all windows of one file.

        Returns
        -------
        ndarray of float32, shape (labels,)
            For each label a value between its lowest and its highest window score, the same in
            whatever order the windows come. Calibration belongs into `predict`, so that the
            timeline and the clip speak the same language.

        Raises
        ------
        InvalidInputError
            If there are no windows or not one column a label.
        """
        ...

    def close(self) -> None:
        """Give memory and device back; may be called twice."""
        ...


@runtime_checkable
class ChecksAvailability(Protocol):
    """What a classifier may offer in addition if it needs things not every machine has.

    The platform asks before it offers the classifier to anybody, so that missing weights are
    listed with their remedy and not found out by a failed run.
    """

    def require_available(self) -> None:
        """Tell, cheaply and without heavy imports, whether `load` could succeed.

        Raises
        ------
        WeightsMissingError
            If the weights are not on this machine; the message says how to get them.
        PackageMissingError
            If a package is not installed; the message says how to get it.
        """
        ...
