"""Cutting waveforms into frames, and the amplitude spectrum of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import InvalidInputError

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrameSpec:
    """Length of the short-term frames and the step from one to the next, in seconds.

    Raises
    ------
    InvalidInputError
        If a length is not positive.
    """

    seconds: float = 0.05
    step_seconds: float = 0.025

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.step_seconds > 0):
            raise InvalidInputError("frames need a positive length and a positive step")

    def samples(self, sample_rate: int) -> int:
        """Length of a frame in samples at `sample_rate` hertz, at least 20.

        Fewer could not be divided into the blocks that the entropies are made of.
        """
        return max(20, round(self.seconds * sample_rate))

    def step_samples(self, sample_rate: int) -> int:
        """From one frame to the next in samples at `sample_rate` hertz, at least 1."""
        return max(1, round(self.step_seconds * sample_rate))


def cut_frames(samples: Floats, sample_rate: int, spec: FrameSpec) -> Floats:
    """Cut waveforms ``[..., samples]`` into frames ``[..., frames, length]``, without a copy.

    A rest shorter than a frame is left out, as in pyAudioAnalysis.

    Raises
    ------
    InvalidInputError
        If `samples` is not float32, not finite or shorter than one frame.
    """
    length = spec.samples(sample_rate)
    if samples.dtype != np.float32 or samples.ndim < 1:
        raise InvalidInputError(f"samples must be a float32 array, not {samples.dtype}")
    if samples.shape[-1] < length:
        raise InvalidInputError(
            f"{samples.shape[-1]} samples are shorter than one frame of {length}; repeat them"
        )
    if not np.isfinite(samples).all():
        raise InvalidInputError("samples contain NaN or infinite values")
    frames = np.lib.stride_tricks.sliding_window_view(samples, length, axis=-1)
    return frames[..., :: spec.step_samples(sample_rate), :]


def amplitude_spectrum(frames: Floats) -> Floats:
    """Return the amplitudes of ``[..., frames, length]`` as ``[..., frames, length // 2]``.

    Frames are multiplied with a Hamming window. The constant part is left out: column ``k``
    stands for the frequency ``(k + 1) * sample_rate / length``. A sine of amplitude 1 in the
    middle of a bin gives 1 there, whatever the length.
    """
    length = frames.shape[-1]
    window = np.hamming(length).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=-1))[..., 1:]
    result: Floats = (spectrum * (2 / window.sum())).astype(np.float32)
    return result


def bin_frequencies(length: int, sample_rate: int) -> npt.NDArray[np.float64]:
    """Return the frequency in hertz of each column of `amplitude_spectrum`."""
    return np.arange(1, length // 2 + 1) * sample_rate / length
