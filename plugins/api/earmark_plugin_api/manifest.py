"""What a classifier declares about itself, readable without loading it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from earmark_plugin_api.errors import InvalidManifestError
from earmark_plugin_api.windows import Window

API_VERSION = 1
"""Version of this contract. A plugin states the one it was written for."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+\.\d+([-+.][0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class Label:
    """A class of a model's vocabulary.

    Attributes
    ----------
    id : str
        Stable identifier, such as an AudioSet mid (``/m/0bt9lr``).
    name : str
        Display name, such as ``Dog``.
    """

    id: str
    name: str


@dataclass(frozen=True)
class Manifest:
    """Identity and needs of a classifier.

    Attributes
    ----------
    name : str
        Lower-case words joined by hyphens, unique on an installation.
    version : str
        Semantic version of model and code together: whenever scores change, so does this.
    labels : tuple of Label
        In the order of the score columns.
    sample_rate : int
        Rate in hertz the windows must have.
    window : Window
        How a file is cut into windows.
    licence : str
        SPDX expression of the weights.
    description : str
        One sentence for people.
    devices : tuple of str
        Kinds of device it can run on: ``cpu``, ``cuda``.
    embedding_size : int
        Length of the embedding of a window, 0 where there is none.
    memory_mb : int
        What a loaded instance needs beside its batches, in MiB.
    calibrated : bool
        Whether a score can be read as the share of times it is right.
    api_version : int
        Version of the contract it was written for.

    Raises
    ------
    InvalidManifestError
        If a value is missing or contradicts another.
    """

    name: str
    version: str
    labels: tuple[Label, ...]
    sample_rate: int
    window: Window
    licence: str
    description: str
    devices: tuple[str, ...] = ("cpu",)
    embedding_size: int = 0
    memory_mb: int = 0
    calibrated: bool = False
    api_version: int = API_VERSION

    def __post_init__(self) -> None:
        problems = self._identity_problems() + self._label_problems() + self._need_problems()
        if problems:
            raise InvalidManifestError(f"classifier {self.name!r}: " + "; ".join(problems))

    def _identity_problems(self) -> list[str]:
        problems = []
        if not _NAME.fullmatch(self.name):
            problems.append(f"name {self.name!r} is not lower-case words joined by hyphens")
        if not _VERSION.fullmatch(self.version):
            problems.append(f"version {self.version!r} is not semantic (1.0.0)")
        if not self.licence:
            problems.append("licence is empty")
        if not self.description:
            problems.append("description is empty")
        if self.api_version != API_VERSION:
            problems.append(f"api_version is {self.api_version}, this Earmark speaks {API_VERSION}")
        return problems

    def _label_problems(self) -> list[str]:
        problems = []
        if not isinstance(self.labels, tuple):  # a list could change after it was checked
            problems.append(f"labels are a {type(self.labels).__name__}, not a tuple")
        if not self.labels:
            problems.append("labels are empty")
        if not all(label.id and label.name for label in self.labels):
            problems.append("a label has an empty id or name")
        if len({label.id for label in self.labels}) != len(self.labels):
            problems.append("label ids are not unique")
        return problems

    def _need_problems(self) -> list[str]:
        problems = []
        if not isinstance(self.sample_rate, int) or self.sample_rate <= 0:
            problems.append(f"sample_rate {self.sample_rate!r} is not a positive whole number")
        if not isinstance(self.devices, tuple) or not self.devices:
            problems.append("devices are not a tuple of at least one kind")
        if self.embedding_size < 0:
            problems.append(f"embedding_size {self.embedding_size} is negative")
        if self.memory_mb < 0:
            problems.append(f"memory_mb {self.memory_mb} is negative")
        return problems

    @property
    def window_samples(self) -> int:
        """Samples of one window, the second dimension of what `predict` gets."""
        return self.window.samples(self.sample_rate)

    @property
    def identity(self) -> str:
        """Name and version as stored with every result: ``audioset@1.0.0``."""
        return f"{self.name}@{self.version}"
