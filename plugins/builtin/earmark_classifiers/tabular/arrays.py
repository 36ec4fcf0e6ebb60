"""Trained models as named arrays: into bytes and out again without pickles, applied in NumPy.

What scikit-learn learns is copied into a few arrays and computed here, so that using a classifier
needs neither scikit-learn nor trust in whoever made it; see
``docs/adr/0008-arrays-instead-of-pickles.md``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import WeightsMissingError

Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]


class ArraysUnusableError(WeightsMissingError):
    """A file of arrays cannot be read, or lacks what its model needs."""

    code = "weights_unusable"


def pack_arrays(arrays: Arrays) -> bytes:
    """Return arrays as the bytes of a compressed ``.npz``; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return what `pack_arrays` packed; nothing in it is ever executed.

    Raises
    ------
    ArraysUnusableError
        If it is no ``.npz``, is damaged, or holds Python objects.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:
        # Damaged bytes end in whatever zipfile, zlib or NumPy's parser of headers trip over.
        raise ArraysUnusableError(f"The model's arrays cannot be read: {error}") from error


def take(
    arrays: Arrays, name: str, shape: tuple[int | None, ...], dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[Any]:
    """Return one array, after a look at its shape and values.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    name : str
    shape : tuple of int or None
        None stands for any length.
    dtype : dtype
        What it is converted to; it must be of that kind already.

    Raises
    ------
    ArraysUnusableError
        If it is missing, of another shape or kind, or holds NaN or infinite values.
    """
    if name not in arrays:
        raise ArraysUnusableError(f"The model lacks the array {name!r}; train it again.")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != np.dtype(dtype).kind or not np.isfinite(array).all():
        raise ArraysUnusableError(
            f"The model's array {name!r} ({array.dtype}, {array.shape}) is not what the model "
            "needs; train it again."
        )
    return array.astype(dtype)


@dataclass(frozen=True, eq=False)
class Scaler:
    """Brings every feature to mean 0 and deviation 1 of the training data.

    Values are cut off at `LIMIT` deviations: what is that far out was never learnt from, and one
    odd feature should not decide everything.

    Attributes
    ----------
    mean, deviation : ndarray of float32, shape (features,)
    """

    mean: Floats
    deviation: Floats

    LIMIT = 8.0

    def __call__(self, features: Floats) -> Floats:
        """Scale ``[rows, features]``."""
        scaled = (features - self.mean) / self.deviation
        return np.asarray(np.clip(scaled, -self.LIMIT, self.LIMIT), np.float32)

    @classmethod
    def fit(cls, features: Floats) -> Scaler:
        """Measure ``[rows, features]``; a feature that never changes is left unscaled."""
        deviation = features.std(axis=0, dtype=np.float64)
        mean = features.mean(axis=0, dtype=np.float64)
        constant = deviation <= 1e-6 * np.maximum(np.abs(mean), 1e-6)
        deviation[constant] = 1.0
        return cls(mean.astype(np.float32), deviation.astype(np.float32))

    def to_arrays(self) -> dict[str, Floats]:
        """Return mean and deviation by their names in a model file."""
        return {"scaler_mean": self.mean, "scaler_deviation": self.deviation}

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int) -> Scaler:
        """Make it of a model file.

        Raises
        ------
        ArraysUnusableError
            If it does not fit `features`.
        """
        deviation = take(arrays, "scaler_deviation", (features,))
        if not (deviation > 0).all():
            raise ArraysUnusableError("The model's deviations are not positive; train it again.")
        return cls(take(arrays, "scaler_mean", (features,)), deviation)
