"""The backend class: windows to features, features to scores, in NumPy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from earmark_classifiers.scores import heard_share, quadratic_softmax
from earmark_classifiers.tabular.applying import MODEL_FILE, ScoringModel
from earmark_classifiers.trained import read_trained
from earmark_plugin_api import (
    DeviceUnavailableError,
    Manifest,
    NotLoadedError,
    WindowScores,
    require_window_scores,
    require_windows,
)

Floats = npt.NDArray[np.float32]


class TabularClassifier(ABC):
    """A trained classifier that describes each window by features and judges these.

    Parameters
    ----------
    folder : Path
        Of a trained classifier; its description is read, its arrays are not.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.trained = read_trained(folder)
        self._model: ScoringModel | None = None

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Make the classifier that was trained into `folder`.

        Raises
        ------
        TrainedFolderError
            If the folder's description cannot be read.
        """
        return cls(folder)

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return self.trained.manifest

    @abstractmethod
    def describe(self, windows: Floats) -> tuple[Floats, Floats | None]:
        """Return features ``[windows, features]``, and embeddings if the manifest has some."""

    def load(self, device: str = "cpu") -> None:
        """Read the model's arrays.

        Raises
        ------
        DeviceUnavailableError
            If the manifest does not name the device.
        TrainedFolderError, ArraysUnusableError
            If the folder is damaged.
        """
        if device.partition(":")[0] not in self.manifest.devices:
            raise DeviceUnavailableError(
                f"{self.manifest.name} runs on {' or '.join(self.manifest.devices)}, "
                f"not on {device!r}"
            )
        content = self.trained.read_file(MODEL_FILE)
        self._model = ScoringModel.read(content, self.trained.settings, len(self.manifest.labels))

    def predict(self, windows: Floats) -> WindowScores:
        """Score windows ``[windows, samples]``.

        Scores fade to nothing where the peak of a window lies between -60 and -70 dBFS.

        Raises
        ------
        NotLoadedError, InvalidInputError
            See `earmark_plugin_api.Classifier.predict`.
        """
        manifest, model = self.manifest, self._model
        if model is None:
            raise NotLoadedError(f"load the {manifest.name} classifier before predict")
        require_windows(manifest, windows)
        if not len(windows):
            size = manifest.embedding_size
            return WindowScores(
                np.zeros((0, len(manifest.labels)), np.float32),
                np.zeros((0, size), np.float32) if size else None,
            )
        features, embeddings = self.describe(windows)
        return WindowScores(model.score(features) * heard_share(windows), embeddings)

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
        """Give the memory back."""
        self._model = None

    def __getstate__(self) -> dict[str, Path]:
        """Pickle as an unloaded classifier: the arrays are in the folder."""
        return {"folder": self._folder}

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]
