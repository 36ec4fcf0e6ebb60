"""Log-mel front ends in torch: batched, differentiable, the same on CPU and GPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earmark_classifiers.level import LEVEL_FLOOR
from earmark_classifiers.networks.logmel_spec import LogMelSpec, hann, mel_filters


def normalise_level(samples: Tensor) -> Tensor:
    """Scale each row of ``[batch, samples]`` to a peak of 1, or by 50 dB where that is less."""
    peak = samples.abs().amax(dim=1, keepdim=True)
    return samples / peak.clamp(min=LEVEL_FLOOR)


class LogMel(nn.Module):
    """Waveforms to log-mel spectrograms, scaled by ``(log(power + floor) + 4.5) / 5``."""

    window: Tensor
    filters: Tensor

    def __init__(self, spec: LogMelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.from_numpy(hann(spec)), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters(spec)), persistent=False)

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
