"""Log-mel front ends in torch: batched, differentiable, the same on CPU and GPU."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LogMelSpec:
    """What a network expects to hear.

    Frequencies are in hertz, lengths in samples at `sample_rate`.
    """

    sample_rate: int
    fft: int
    window: int
    hop: int
    bands: int
    low: float
    high: float
    preemphasis: float = 0.97
    floor: float = 1e-5
    sounds_like: int | None = None
    """Sample rate whose log-mels these are to equal; its frames are as long and as far apart."""


EFFICIENTAT = LogMelSpec(32_000, fft=1024, window=800, hop=320, bands=128, low=0.0, high=15_000.0)
"""Front end of the EfficientAT taggers (arXiv 2211.04772)."""


def low_part(spec: LogMelSpec, bands: int) -> LogMelSpec:
    """Return the front end for half the sample rate that makes the lowest bands of `spec`.

    Up to half of the new rate they are the same bands of the same sounds: what a network learnt
    from the one holds for the other.
    """
    low, high = (hertz_to_mel(torch.tensor(f)).item() for f in (spec.low, spec.high))
    edge = low + (high - low) * (bands + 1) / (spec.bands + 1)
    return replace(
        spec,
        sample_rate=spec.sample_rate // 2,
        fft=spec.fft // 2,
        window=spec.window // 2,
        hop=spec.hop // 2,
        bands=bands,
        high=700.0 * math.expm1(edge / 1127.0),
        sounds_like=spec.sample_rate,
    )


def hertz_to_mel(hertz: Tensor) -> Tensor:
    """HTK mel scale: ``1127 ln(1 + f / 700)``."""
    return 1127.0 * torch.log1p(hertz / 700.0)


def mel_filters(spec: LogMelSpec) -> Tensor:
    """Triangles on the mel axis, not area-normalised, the Nyquist column zero.

    Returns
    -------
    Tensor
        ``[bands, fft / 2 + 1]``, float32.
    """
    bins = spec.fft // 2
    low, high = (hertz_to_mel(torch.tensor(f, dtype=torch.float64)) for f in (spec.low, spec.high))
    edges = torch.linspace(low.item(), high.item(), spec.bands + 2, dtype=torch.float64)
    mels = hertz_to_mel(torch.arange(bins, dtype=torch.float64) * spec.sample_rate / spec.fft)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (mels - left) / (centre - left)
    falling = (right - mels) / (right - centre)
    filters = torch.minimum(rising, falling).clamp(min=0.0) * _gain(spec)
    return torch.nn.functional.pad(filters, (0, 1)).float()


def _gain(spec: LogMelSpec) -> Tensor:
    """Factors of the powers that make up for another sample rate: ``[fft / 2]``.

    A sum over a frame grows with the rate, a power with its square; and the first difference of
    pre-emphasis falls on other frequencies.
    """
    hertz = torch.arange(spec.fft // 2, dtype=torch.float64) * spec.sample_rate / spec.fft
    if spec.sounds_like is None:
        return torch.ones_like(hertz)

    def emphasis(rate: int) -> Tensor:
        angle = 2 * math.pi * hertz / rate
        return 1 + spec.preemphasis**2 - 2 * spec.preemphasis * angle.cos()

    like = spec.sounds_like
    return (like / spec.sample_rate) ** 2 * emphasis(like) / emphasis(spec.sample_rate)


class LogMel(nn.Module):
    """Waveforms to log-mel spectrograms, scaled by ``(log(power + floor) + 4.5) / 5``."""

    window: Tensor
    filters: Tensor

    def __init__(self, spec: LogMelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer(
            "window", torch.hann_window(spec.window, periodic=False), persistent=False
        )
        self.register_buffer("filters", mel_filters(spec), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map ``[batch, samples]`` in [-1, 1] to ``[batch, 1, bands, frames]``.

        The sum over power times triangles is one matrix product; frames are centred and the
        signal is reflected at both ends, so `samples` must be longer than ``fft / 2``.
        """
        with torch.autocast(samples.device.type, enabled=False):  # half precision overflows here
            power = self._power(samples.float())
            mel = torch.matmul(self.filters, power)
            return ((torch.log(mel + self.spec.floor) + 4.5) / 5.0).unsqueeze(1)

    def _power(self, samples: Tensor) -> Tensor:
        spec = self.spec
        spectrum = torch.stft(
            samples[:, 1:] - spec.preemphasis * samples[:, :-1],
            spec.fft,
            hop_length=spec.hop,
            win_length=spec.window,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrum.real.square() + spectrum.imag.square()

    def frames(self, samples: int) -> int:
        """How many frames `forward` makes of a waveform of that many samples."""
        return math.floor((samples - 1) / self.spec.hop) + 1
