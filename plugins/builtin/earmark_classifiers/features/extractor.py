"""All features together: frames to 34 or 68 columns, mid-term windows to 136."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features.cepstrum import mfcc
from earmark_classifiers.features.chroma import chroma, chroma_deviation
from earmark_classifiers.features.frames import FrameSpec, amplitude_spectrum, cut_frames
from earmark_classifiers.features.shape import (
    energy,
    energy_entropy,
    spectral_centroid,
    spectral_entropy,
    spectral_flux,
    spectral_rolloff,
    spectral_spread,
    zero_crossing_rate,
)
from earmark_plugin_api import InvalidInputError

Floats = npt.NDArray[np.float32]

FRAMES = FrameSpec()


def short_term_features(
    samples: Floats, sample_rate: int, frames: FrameSpec = FRAMES, *, deltas: bool = True
) -> Floats:
    """Describe every frame of one waveform or of many of equal length.

    Nothing is normalised: ``energy`` and ``mfcc_1`` tell the level, the other features of a frame
    do not depend on it. Needs about 20 times the memory of `samples` while it works.

    Parameters
    ----------
    samples : ndarray of float32, shape (..., n)
        Full scale is [-1, 1]; at least one frame long.
    sample_rate : int
        In hertz.
    frames : FrameSpec
        By default frames of 50 ms every 25 ms.
    deltas : bool
        Whether to add the change since the frame before, 0 for the first.

    Returns
    -------
    ndarray of float32, shape (..., frames, 68), or (..., frames, 34) without deltas
        Columns as `SHORT_TERM_DELTA_NAMES` or `SHORT_TERM_NAMES`; always finite.

    Raises
    ------
    InvalidInputError
        If `samples` is not finite float32 or shorter than a frame.
    """
    cut = cut_frames(samples, sample_rate, frames)
    length = cut.shape[-1]
    spectrum = amplitude_spectrum(cut)
    pitch_classes = chroma(spectrum, length, sample_rate)
    shapes = (
        zero_crossing_rate(cut),
        energy(cut),
        energy_entropy(cut),
        spectral_centroid(spectrum),
        spectral_spread(spectrum),
        spectral_entropy(spectrum),
        spectral_flux(spectrum),
        spectral_rolloff(spectrum),
    )
    features = np.concatenate(
        (
            np.stack(shapes, axis=-1),
            mfcc(spectrum, length, sample_rate),
            pitch_classes,
            chroma_deviation(pitch_classes)[..., None],
        ),
        axis=-1,
    )
    return _with_deltas(features) if deltas else features


def mid_term_features(
    samples: Floats,
    sample_rate: int,
    window_seconds: float | None = None,
    step_seconds: float | None = None,
    frames: FrameSpec = FRAMES,
) -> Floats:
    """Describe mid-term windows by mean and standard deviation of their frames' features.

    Parameters
    ----------
    samples : ndarray of float32, shape (..., n)
        Full scale is [-1, 1]; at least one frame long.
    sample_rate : int
        In hertz.
    window_seconds : float, optional
        Length of a window; one window over everything if None or longer than that.
    step_seconds : float, optional
        From one window to the next; `window_seconds` if None. A last window that ends with the
        last frame is added where something would be left over.
    frames : FrameSpec
        By default frames of 50 ms every 25 ms.

    Returns
    -------
    ndarray of float32, shape (..., windows, 136)
        Columns as `MID_TERM_NAMES`.

    Raises
    ------
    InvalidInputError
        As `short_term_features`; also if a length is not positive.
    """
    if any(seconds is not None and not seconds > 0 for seconds in (window_seconds, step_seconds)):
        raise InvalidInputError("mid-term windows need a positive length and a positive step")
    features = short_term_features(samples, sample_rate, frames)
    count = features.shape[-2]
    length = count
    if window_seconds is not None:
        length = min(count, max(1, round(window_seconds / frames.step_seconds)))
    step = length
    if step_seconds is not None:
        step = max(1, round(step_seconds / frames.step_seconds))
    starts = list(range(0, count - length + 1, step))
    if starts[-1] + length < count:
        starts.append(count - length)
    parts = [_summary(features[..., start : start + length, :]) for start in starts]
    return np.stack(parts, axis=-2)


def _with_deltas(features: Floats) -> Floats:
    changes = np.zeros_like(features)
    changes[..., 1:, :] = np.diff(features, axis=-2)
    return np.concatenate((features, changes), axis=-1)


def _summary(features: Floats) -> Floats:
    return np.concatenate((features.mean(axis=-2), features.std(axis=-2)), axis=-1)
