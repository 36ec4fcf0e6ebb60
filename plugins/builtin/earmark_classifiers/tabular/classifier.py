"""The backend class: windows to features, features to scores, in NumPy."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import numpy.typing as npt

from earmark_classifiers.tabular.applying import MODEL_FILE, ScoringModel
from earmark_classifiers.tagger import Engine
from earmark_classifiers.trained_tagger import TrainedTagger
from earmark_plugin_api import DeviceUnavailableError

Floats = npt.NDArray[np.float32]


class TabularClassifier(TrainedTagger):
    """A trained classifier that describes each window by features and judges these."""

    @abstractmethod
    def describe(self, windows: Floats) -> tuple[Floats, Floats | None]:
        """Return features ``[windows, features]``, and embeddings if the manifest has some."""

    def make_engine(self, device: str) -> Engine:
        """Return the model over the features; it gives scores at once.

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
        model = ScoringModel.read(content, self.trained.settings, len(self.manifest.labels))

        def engine(windows: Floats) -> tuple[Floats, Floats | None]:
            features, embeddings = self.describe(windows)
            return model.score(features), embeddings

        return engine

    def to_scores(self, logits: Floats) -> Floats:
        """Leave them alone: the model calibrates its decisions itself."""
        return logits
