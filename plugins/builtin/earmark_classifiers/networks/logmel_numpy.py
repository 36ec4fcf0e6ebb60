"""Log-mel front ends in NumPy: for networks that are computed without torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.networks.logmel_spec import LogMelSpec, hann, mel_filters

Floats = npt.NDArray[np.float32]

FRAMES_AT_ONCE = 128
"""Frames transformed at once: their spectra stay in the cache of a core."""

BANDS_AT_ONCE = 16
"""Triangles multiplied at once: neighbours cover the same few bins, so most products are saved."""


class NumpyLogMel:
    """Waveforms to the same log-mel spectrograms as `networks.logmel.LogMel`."""

    def __init__(self, spec: LogMelSpec) -> None:
        self._spec = spec
        self._window = hann(spec)
        self._blocks = _filter_blocks(spec)

    def __call__(self, windows: Floats) -> Floats:
        """Map ``[windows, samples]`` in [-1, 1] to ``[windows, 1, bands, frames]``.

        Frames are centred and the signal is reflected at both ends, so `samples` must be longer
        than ``window / 2``.
        """
        spec = self._spec
        frames = spec.frames(windows.shape[1])
        logmels = np.empty((len(windows), 1, spec.bands, frames), np.float32)
        mel = np.empty((frames, spec.bands), np.float32)
        # Where a frame lies within the transform changes its phase, not its power.
        room = np.zeros((FRAMES_AT_ONCE, spec.fft), np.float32)
        for row, samples in enumerate(windows):
            self._mel(samples, room, mel)
            mel += np.float32(spec.floor)
            np.log(mel, out=mel)
            mel += np.float32(4.5)
            mel /= np.float32(5.0)
            logmels[row, 0] = mel.T
        return logmels

    def _mel(self, samples: Floats, room: Floats, mel: Floats) -> None:
        """Write the mel powers of one waveform into ``mel[frames, bands]``."""
        spec = self._spec
        padded = _emphasise(samples, spec.preemphasis, spec.window // 2)
        cut = np.lib.stride_tricks.sliding_window_view(padded, spec.window)[:: spec.hop]
        for begin in range(0, len(cut), FRAMES_AT_ONCE):
            part = cut[begin : begin + FRAMES_AT_ONCE]
            frames = room[: len(part)]
            np.multiply(part, self._window, out=frames[:, : spec.window])
            spectra = np.fft.rfft(frames).view(np.float32)
            np.square(spectra, out=spectra)
            for bands, bins, filters in self._blocks:
                target = mel[begin : begin + len(part), bands]
                np.matmul(spectra[:, bins], filters, out=target)


def _emphasise(samples: Floats, factor: float, margin: int) -> Floats:
    """First difference of a waveform, reflected by `margin` samples at both ends."""
    padded = np.empty(len(samples) - 1 + 2 * margin, np.float32)
    inside = padded[margin:-margin]
    np.multiply(samples[:-1], np.float32(-factor), out=inside)
    inside += samples[1:]
    padded[:margin] = inside[margin:0:-1]
    padded[-margin:] = inside[-2 : -margin - 2 : -1]
    return padded


def _filter_blocks(spec: LogMelSpec) -> list[tuple[slice, slice, Floats]]:
    """Cut the triangles into blocks of bands: bands, columns, matrix ``[columns, bands]``.

    Columns are squared real and imaginary parts in turn, as they lie in memory: each bin has
    two, and their sum is left to the product.
    """
    filters = mel_filters(spec)
    blocks = []
    for first in range(0, spec.bands, BANDS_AT_ONCE):
        rows = filters[first : first + BANDS_AT_ONCE]
        covered = np.flatnonzero(rows.any(axis=0))
        begin, end = int(covered[0]), int(covered[-1]) + 1
        matrix = np.repeat(rows[:, begin:end].T, 2, axis=0)
        blocks.append((slice(first, first + len(rows)), slice(2 * begin, 2 * end), matrix))
    return blocks
