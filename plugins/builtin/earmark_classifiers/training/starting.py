"""What a network starts from: nothing, the bundled `audioset` network, or a trained classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.networks.segments import Architectures, SegmentNetwork
from earmark_classifiers.segment_tagger import read_network
from earmark_classifiers.trained import read_trained
from earmark_classifiers.training.errors import StartError


def read_audioset() -> AudioSetNetwork:
    """Return the bundled `audioset` network, as it was trained."""
    from safetensors.torch import load_file

    from earmark_classifiers.audioset.classifier import WEIGHTS

    network = AudioSetNetwork()
    network.load_state_dict(load_file(WEIGHTS))
    return network


def read_trained_network(
    folder: Path, backend: str, architectures: Architectures
) -> tuple[str, SegmentNetwork]:
    """Return architecture and network of a trained classifier.

    Raises
    ------
    StartError
        If it is of another backend.
    TrainedFolderError
        If it cannot be used.
    """
    trained = read_trained(folder)
    if trained.backend != backend:
        raise StartError(
            f"{trained.manifest.identity} is of the backend {trained.backend!r}; training "
            f"{backend!r} can start from classifiers of its own backend only."
        )
    return trained.settings["architecture"], read_network(trained, architectures)


def replace_head(network: SegmentNetwork, classes: int) -> None:
    """Give the network a fresh head for other classes."""
    network.head = nn.Linear(network.embedding_size, classes)


def freeze(network: SegmentNetwork, count: int) -> Sequence[nn.Module]:
    """Keep the first layers as they are and return them.

    Raises
    ------
    StartError
        If there are not so many.
    """
    layers = network.layers()
    if count > len(layers):
        raise StartError(
            f"There are {len(layers)} layers to freeze before the head, not {count}; freezing all "
            f"{len(layers)} trains the head only."
        )
    frozen = layers[:count]
    for layer in frozen:
        layer.requires_grad_(False)
    return frozen
