"""Which weights can be fetched, from where, under which licence, and how they are recognised.

A checksum is here only if somebody has computed it from the file; `checksum_source` says who.
Where none is known it is None, and the file is not fetched before a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from earmark.classifiers.errors import UnknownWeightsError

_EFFICIENTAT = "https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/"


@dataclass(frozen=True)
class Weights:
    """One public file.

    Attributes
    ----------
    name : str
        Name of the classifier that reads it.
    file_name : str
        What the classifier looks for in the models folder.
    url : str
    size : int or None
        In bytes; None where it is not known.
    sha256 : str or None
        In lower-case hexadecimal digits; None where it is not known.
    checksum_source : str
        Where size and checksum are from.
    licence : str
        SPDX expression.
    description : str
    needs : str
        What it takes beside the file, as a sentence; empty if nothing.
    """

    name: str
    file_name: str
    url: str
    size: int | None
    sha256: str | None
    checksum_source: str
    licence: str
    description: str
    needs: str = ""


CATALOGUE: tuple[Weights, ...] = (
    Weights(
        name="efficientat-mn04",
        file_name="mn04_as_mAP_432.pt",
        url=f"{_EFFICIENTAT}mn04_as_mAP_432.pt",
        size=4_066_513,
        sha256="899a8c6217063f6941793102a2780b3dd788ab11fce468d9cf5f0577c453321c",
        checksum_source="computed from the file",
        licence="MIT",
        description="EfficientAT mn04, 527 AudioSet classes, 0.432 mAP",
    ),
    Weights(
        name="efficientat-mn10",
        file_name="mn10_as_mAP_471.pt",
        url=f"{_EFFICIENTAT}mn10_as_mAP_471.pt",
        size=19_708_753,
        sha256="0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e",
        checksum_source="stated alike by several public projects that use the file; not "
        "recomputed by Earmark's authors",
        licence="MIT",
        description="EfficientAT mn10, 527 AudioSet classes, 0.471 mAP",
    ),
    Weights(
        name="efficientat-mn20",
        file_name="mn20_as_mAP_478.pt",
        url=f"{_EFFICIENTAT}mn20_as_mAP_478.pt",
        size=None,
        sha256=None,
        checksum_source="not known",
        licence="MIT",
        description="EfficientAT mn20, 527 AudioSet classes, 0.478 mAP",
    ),
    Weights(
        name="panns-cnn14",
        file_name="Cnn14_mAP=0.431.pth",
        url="https://zenodo.org/records/3987831/files/Cnn14_mAP%3D0.431.pth",
        size=327_428_481,
        sha256="0dc499e40e9761ef5ea061ffc77697697f277f6a960894903df3ada000e34b31",
        checksum_source="stated alike by several public projects that use the file; not "
        "recomputed by Earmark's authors",
        licence="CC-BY-4.0",
        description="PANNs CNN14, 527 AudioSet classes, 0.431 mAP",
    ),
    Weights(
        name="yamnet",
        file_name="yamnet.tflite",
        # The number of the generation makes the address that of one unchanging file.
        url="https://storage.googleapis.com/mediapipe-assets/"
        "yamnet_audio_classifier_with_metadata.tflite?generation=1661875980774466",
        size=4_126_810,
        sha256="10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de",
        checksum_source="stated by its publisher in MediaPipe's build rules "
        "(third_party/external_files.bzl); not recomputed by Earmark's authors",
        licence="Apache-2.0",
        description="Google's YAMNet, 521 AudioSet classes, 0.306 mAP",
        needs="It runs with the package ai-edge-litert: `pip install ai-edge-litert`.",
    ),
)


def get_weights(name: str) -> Weights:
    """Return the entry of a name.

    Raises
    ------
    UnknownWeightsError
        If there is none.
    """
    for weights in CATALOGUE:
        if weights.name == name:
            return weights
    raise UnknownWeightsError(f"There are no weights named {name!r} to fetch.")
