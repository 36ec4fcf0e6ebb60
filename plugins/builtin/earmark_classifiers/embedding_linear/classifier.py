"""The backend class: what the `audioset` network hears, judged by linear models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_classifiers.embedding_linear.describing import Embedder
from earmark_classifiers.tabular.classifier import TabularClassifier
from earmark_plugin_api import WeightsMissingError

Floats = npt.NDArray[np.float32]

BUNDLED = Path(__file__).with_name("bundled")


class EmbedderChangedError(WeightsMissingError):
    """The classifier was trained on another version of the network than is installed."""

    code = "embedder_changed"


class EmbeddingClassifier(TabularClassifier):
    """A classifier over what the `audioset` network hears.

    Parameters
    ----------
    folder : Path
        Of a trained classifier.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._embedder = Embedder()

    def require_available(self) -> None:
        """Tell whether the network it was trained on is the one that is installed.

        Raises
        ------
        EmbedderChangedError
            If not: its numbers would mean something else.
        """
        trained_on = self.trained.settings.get("embedder")
        if trained_on != self._embedder.identity:
            raise EmbedderChangedError(
                f"{self.manifest.identity} was trained on what {trained_on} hears, but "
                f"{self._embedder.identity} is installed. Train it again with "
                f"`earmark train {self.trained.backend}`."
            )

    def load(self, device: str = "cpu") -> None:
        """Read the model and load the network.

        Raises
        ------
        EmbedderChangedError
            See `require_available`.
        DeviceUnavailableError, WeightsMissingError
            See `TabularClassifier.load` and `AudioSetClassifier.load`.
        """
        self.require_available()
        self._embedder.load(device)
        super().load(device)

    def close(self) -> None:
        """Give the memory of model and network back."""
        super().close()
        self._embedder.close()


class EmbeddingLinearClassifier(EmbeddingClassifier):
    """Logistic regressions over embedding and logits of the `audioset` classifier.

    Parameters
    ----------
    folder : Path
        A classifier somebody trained; by default the one of 39 classes that comes with Earmark,
        see ``docs/models/embedding-linear.md``.
    """

    def __init__(self, folder: Path = BUNDLED) -> None:
        super().__init__(folder)

    def describe(self, windows: Floats) -> tuple[Floats, Floats]:
        """Return features and embeddings of windows ``[windows, samples]``."""
        return self._embedder.describe(windows)
