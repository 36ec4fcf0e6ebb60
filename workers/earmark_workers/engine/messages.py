"""What the process that owns the database and its worker processes say to each other.

All values are plain and picklable. Both ends are this very program, started by itself, so the
pickles are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SILENT = "silent"
"""Error code of a file that holds nothing one could hear."""

Floats = npt.NDArray[np.float32]


BATCH_WINDOWS = 8
"""Windows scored at once. On a processor more are no faster, and 32 need 200 MB more."""


@dataclass(frozen=True)
class Setup:
    """First message to a worker: what it is and how it may use the machine."""

    target: str
    """Where the classifier class is, ``package.module:Class``."""
    device: str = "cpu"
    decoders: int = 1
    batch_windows: int = BATCH_WINDOWS
    decode_timeout_s: float = 60.0
    decode_memory_mb: int = 512


@dataclass(frozen=True)
class ClassifyFile:
    """Identify this file, then ask whether to classify it."""

    task: int
    path: str
    """As `os.fsdecode` gives it: names that are not UTF-8 come through whole."""
    size: int


@dataclass(frozen=True)
class Verdict:
    """Answer to `Identified`: classify the file, or drop it (its sound is known already)."""

    task: int
    proceed: bool


@dataclass(frozen=True)
class Ready:
    """The classifier is loaded."""

    classifier: str
    """Identity, such as ``audioset@1.0.0``."""


@dataclass(frozen=True)
class StartFailed:
    """The classifier could not be loaded; the worker ends."""

    code: str
    message: str


@dataclass(frozen=True)
class Identified:
    """The audio identity of a file; the worker waits for a `Verdict` before it decodes."""

    task: int
    identity: str
    audio_bytes: int
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class IdentifiedFiles:
    """Several files at once: asking the database about them together is cheaper."""

    files: tuple[Identified, ...]


@dataclass(frozen=True)
class Advanced:
    """So much more of a long file has been decoded, in seconds of sound."""

    task: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Classified:
    """Scores of one file.

    Attributes
    ----------
    scores : ndarray of float32, shape (labels,)
        Clip scores in [0, 1].
    starts, ends : ndarray of float32, shape (labels,)
        The window that speaks most for each label, in seconds.
    """

    task: int
    scores: Floats
    starts: Floats
    ends: Floats
    duration: float
    sample_rate: int
    channels: int
    container: str
    codec: str
    windows: int


@dataclass(frozen=True)
class Failed:
    """One file could not be classified; the others are not concerned.

    Attributes
    ----------
    retryable : bool
        Whether the same may succeed later although nobody changed the file.
    file_fault : bool
        Whether the file is to blame, so that every classifier leaves it alone until it changes.
        False for what a classifier raised or crashed on: the next one may manage.
    """

    task: int
    code: str
    message: str
    retryable: bool
    file_fault: bool


ToWorker = Setup | ClassifyFile | Verdict
FromWorker = Ready | StartFailed | IdentifiedFiles | Advanced | Classified | Failed
