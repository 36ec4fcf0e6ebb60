"""A trained model with what is around it: scaling before, calibration after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.calibration import Calibration
from earmark_classifiers.tabular.arrays import (
    ArraysUnusableError,
    Scaler,
    pack_arrays,
    unpack_arrays,
)
from earmark_classifiers.tabular.models import MODELS, Model

Floats = npt.NDArray[np.float32]

MODEL_FILE = "model.npz"


@dataclass(frozen=True, eq=False)
class ScoringModel:
    """Features in, scores out."""

    scaler: Scaler
    model: Model
    calibration: Calibration

    def score(self, values: Floats) -> Floats:
        """Map features ``[rows, features]`` to scores ``[rows, labels]`` in [0, 1]."""
        return self.calibration(self.model.decide(self.scaler(values)))

    def content(self) -> bytes:
        """Return scaler and model as the bytes of `MODEL_FILE`."""
        return pack_arrays({**self.scaler.to_arrays(), **self.model.to_arrays()})

    def settings(self) -> dict[str, Any]:
        """Return what stands in ``classifier.json`` beside it."""
        return {
            "model": self.model.kind,
            "features": len(self.scaler.mean),
            "calibration": {"scale": self.calibration.scale, "offset": self.calibration.offset},
        }

    @classmethod
    def read(cls, content: bytes, settings: Mapping[str, Any], labels: int) -> ScoringModel:
        """Make it of what `content` and `settings` returned.

        Raises
        ------
        ArraysUnusableError
            If they do not fit together.
        """
        try:
            kind, features = MODELS[settings["model"]], int(settings["features"])
            told = settings["calibration"]
            calibration = Calibration(float(told["scale"]), float(told["offset"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ArraysUnusableError(
                f"The classifier's settings lack something or name an unknown model: {error!r}"
            ) from error
        arrays = unpack_arrays(content)
        return cls(
            scaler=Scaler.from_arrays(arrays, features),
            model=kind.from_arrays(arrays, features, labels),
            calibration=calibration,
        )
