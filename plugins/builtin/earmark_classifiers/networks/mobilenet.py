"""MobileNetV3-Large bodies over spectrograms, in the shape the EfficientAT taggers use.

Sources: Howard et al., "Searching for MobileNetV3", arXiv 1905.02244 (blocks, table 1), and
Schmid et al., "Efficient Large-Scale Audio Tagging via Transformer-to-CNN Knowledge
Distillation", arXiv 2211.04772 (width scaling and the squeeze over time and frequency).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

ModuleT = TypeVar("ModuleT", bound=nn.Module)

BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.01
"""Values of the published networks; torch's own change their scores."""


@dataclass(frozen=True)
class BlockSpec:
    """One inverted residual block before width scaling."""

    inputs: int
    kernel: int
    expanded: int
    outputs: int
    squeeze: bool
    hardswish: bool
    stride: int


MOBILENET_V3_LARGE: tuple[BlockSpec, ...] = (
    BlockSpec(16, 3, 16, 16, False, False, 1),
    BlockSpec(16, 3, 64, 24, False, False, 2),
    BlockSpec(24, 3, 72, 24, False, False, 1),
    BlockSpec(24, 5, 72, 40, True, False, 2),
    BlockSpec(40, 5, 120, 40, True, False, 1),
    BlockSpec(40, 5, 120, 40, True, False, 1),
    BlockSpec(40, 3, 240, 80, False, True, 2),
    BlockSpec(80, 3, 200, 80, False, True, 1),
    BlockSpec(80, 3, 184, 80, False, True, 1),
    BlockSpec(80, 3, 184, 80, False, True, 1),
    BlockSpec(80, 3, 480, 112, True, True, 1),
    BlockSpec(112, 3, 672, 112, True, True, 1),
    BlockSpec(112, 5, 672, 160, True, True, 2),
    BlockSpec(160, 5, 960, 160, True, True, 1),
    BlockSpec(160, 5, 960, 160, True, True, 1),
)


def round_channels(value: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never below 90 % of `value` (arXiv 1905.02244)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, and the activation named, if any."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: type[nn.Module] | None = None,
        eps: float = BATCH_NORM_EPS,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False
            ),
            nn.BatchNorm2d(outputs, eps, BATCH_NORM_MOMENTUM),
        ]
        if activation is not None:
            layers.append(activation())
        super().__init__(*layers)


def fuse_batch_norms(module: ModuleT) -> ModuleT:
    """Fold the batch norms into their convolutions and lay memory out by channel.

    For inference only; about three times faster on a CPU.
    """
    module.eval()
    for part in module.modules():
        if isinstance(part, ConvNorm):
            convolution, norm = part[0], part[1]
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            part[0] = fuse_conv_bn_eval(convolution, norm)
            part[1] = nn.Identity()
    return by_channel(module)


@torch.no_grad()
def unfold_batch_norms(folded: ModuleT, fresh: ModuleT, batches: Iterable[Tensor]) -> ModuleT:
    """Give a network that was trained folded its batch norms back, for training it further.

    Each norm gets the mean and variance that its convolution has over the examples, and the scale
    and shift that undo them: the network computes what it computed.

    Parameters
    ----------
    folded : Module
        See `fuse_batch_norms`.
    fresh : Module
        Another of the same kind, with batch norms; it is filled and returned.
    batches : iterable of Tensor
        Examples of what the network is given.
    """
    trained = {name: part for name, part in folded.named_modules() if isinstance(part, ConvNorm)}
    sums: dict[str, list[Tensor]] = {name: [] for name in trained}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(convolution: nn.Module, _: tuple[Tensor, ...], out: Tensor) -> None:
            assert isinstance(convolution.bias, Tensor)
            raw = out.double() - convolution.bias[:, None, None]
            sums[name].append(torch.stack((raw.mean((0, 2, 3)), raw.square().mean((0, 2, 3)))))

        return note

    watches = [part[0].register_forward_hook(watch(name)) for name, part in trained.items()]
    for batch in batches:
        folded(batch)
    for each in watches:
        each.remove()
    fresh.load_state_dict(folded.state_dict(), strict=False)
    for name, part in fresh.named_modules():
        if isinstance(part, ConvNorm):
            norm, bias = part[1], trained[name][0].bias
            assert isinstance(norm, nn.BatchNorm2d) and isinstance(bias, Tensor)
            mean, square = torch.stack(sums[name]).mean(0)
            variance = (square - mean.square()).clamp(min=0)
            _fill(norm, mean, variance, bias)
    return fresh


def _fill(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor) -> None:
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(bias + mean)


def by_channel(module: ModuleT) -> ModuleT:
    """Lay the filters out by channel, which CPU convolutions prefer."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


class SqueezeExcitation(nn.Module):
    """Channel gates from the mean over time and frequency."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = round_channels(channels / 4)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel of ``[batch, channels, bands, frames]`` by its gate."""
        gates = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3))))))
        return x * gates[:, :, None, None]


class InvertedResidual(nn.Module):
    """Expand, filter per channel, gate, project; with a shortcut where shapes allow."""

    def __init__(self, spec: BlockSpec, width: float) -> None:
        super().__init__()
        inputs, expanded, outputs = (
            round_channels(c * width) for c in (spec.inputs, spec.expanded, spec.outputs)
        )
        activation = nn.Hardswish if spec.hardswish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(ConvNorm(inputs, expanded, activation=activation))
        layers.append(
            ConvNorm(
                expanded, expanded, spec.kernel, spec.stride, groups=expanded, activation=activation
            )
        )
        if spec.squeeze:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, outputs))
        self.block = nn.Sequential(*layers)
        self.shortcut = spec.stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, inputs, bands, frames]`` to the block's outputs."""
        y: Tensor = self.block(x)
        return x + y if self.shortcut else y


class MobileNetBody(nn.Module):
    """The convolutional part: spectrogram in, feature map out.

    Parameters
    ----------
    width : float
        Channel multiplier; 0.4 is "mn04", 1.0 "mn10".
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        stem = round_channels(16 * width)
        last = round_channels(MOBILENET_V3_LARGE[-1].outputs * width)
        self.channels = 6 * last
        self.features = nn.Sequential(
            ConvNorm(1, stem, 3, stride=2, activation=nn.Hardswish),
            *(InvertedResidual(spec, width) for spec in MOBILENET_V3_LARGE),
            ConvNorm(last, self.channels, activation=nn.Hardswish),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, 1, bands, frames]`` to ``[batch, channels, bands', frames']``."""
        y: Tensor = self.features(x)
        return y


class MobileNetTagger(MobileNetBody):
    """An EfficientAT tagger: body, mean over the map, two linear layers.

    ``forward`` maps log-mels ``[batch, 1, bands, frames]`` to logits ``[batch, classes]`` and
    the embedding ``[batch, channels]`` before the classifier.
    """

    def __init__(self, width: float, classes: int = 527) -> None:
        super().__init__(width)
        hidden = round_channels(1280 * width)
        self.classifier = nn.Sequential(
            nn.Linear(self.channels, hidden), nn.Hardswish(), nn.Linear(hidden, classes)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return logits and embedding of log-mels ``[batch, 1, bands, frames]``."""
        embedding = self.features(x).mean((2, 3))
        return self.classifier(embedding), embedding


PUBLISHED_NAMES = (
    ("conc_se_layers.0.", ""),
    ("classifier.2.", "classifier.0."),
    ("classifier.5.", "classifier.2."),
)
"""Parts of published names and what they are called here, replaced in this order."""


def from_published(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a published EfficientAT state dict to those of `MobileNetTagger`."""
    renamed = {}
    for key, value in state.items():
        for published, ours in PUBLISHED_NAMES:
            key = key.replace(published, ours)
        renamed[key] = value
    return renamed
