"""What the process that owns the database and its worker processes say to each other.

All values are plain and picklable. Both ends are this very program, started by itself, so the
pickles are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_workers.engine.parts import WHOLE, Part

SILENT = "silent"
"""Error code of a file that holds nothing one could hear."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Hosted:
    """A classifier a worker loads.

    Attributes
    ----------
    identity : str
        What it must say it is, such as ``audioset@1.0.0``; names it in all messages.
    target, folder : str
        Where its code and, if it was trained here, its files are; see
        `earmark.classifiers.registry.Plugin`.
    device : str
        ``cpu``, ``cuda``, ``cuda:1``.
    batch_windows : int
        Windows scored at once.
    """

    identity: str
    target: str
    folder: str = ""
    device: str = "cpu"
    batch_windows: int = 8


@dataclass(frozen=True)
class Setup:
    """First message to a worker: what it is and how it may use the machine.

    `batch_timeout_s` is how long a classifier may be at a small batch; see `engine.watched`.
    """

    classifiers: tuple[Hosted, ...]
    decoders: int = 1
    batch_timeout_s: float = 120.0
    decode_timeout_s: float = 60.0
    decode_memory_mb: int = 512


@dataclass(frozen=True)
class ClassifyFile:
    """Identify this file, then ask which of these classifiers shall hear it."""

    task: int
    path: str
    """As `os.fsdecode` gives it: names that are not UTF-8 come through whole."""
    size: int
    classifiers: tuple[str, ...]
    part: Part = WHOLE


@dataclass(frozen=True)
class Verdict:
    """Answer to `Identified`: which classifiers shall hear it; none where all is known already."""

    task: int
    classifiers: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """What can be loaded is loaded."""


@dataclass(frozen=True)
class LoadFailed:
    """One classifier could not be loaded; its part of every file fails, the others go on."""

    classifier: str
    code: str
    message: str


@dataclass(frozen=True)
class StartFailed:
    """No classifier could be loaded; the worker ends."""

    code: str
    message: str


@dataclass(frozen=True)
class Identified:
    """The audio identity of a file; the worker waits for a `Verdict` before it decodes."""

    task: int
    classifiers: tuple[str, ...]
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
    """What one classifier says of one file.

    Attributes
    ----------
    scores : ndarray of float32, shape (labels,)
        Clip scores in [0, 1].
    starts, ends : ndarray of float32, shape (labels,)
        The window that speaks most for each label, in seconds from the beginning of the part.
    duration : float
        Of the whole file, in seconds; 0 where only a part was decoded and the file does not say.
    timeline : bytes
        The window scores; see `earmark.jobs.timeline`.
    embedding : bytes or None
        The mean over windows, of length one, as little-endian float16.
    """

    task: int
    classifier: str
    scores: Floats
    starts: Floats
    ends: Floats
    duration: float
    sample_rate: int
    channels: int
    container: str
    codec: str
    windows: int
    timeline: bytes
    embedding: bytes | None


@dataclass(frozen=True)
class Failed:
    """One file could not be classified; the others are not concerned.

    Attributes
    ----------
    classifier : str
        Whose part has failed; empty for all that are still to come.
    retryable : bool
        Whether the same may succeed later although nobody changed the file.
    file_fault : bool
        Whether the file is to blame, so that every classifier leaves it alone until it changes.
        False for what a classifier raised or crashed on: the next one may manage.
    """

    task: int
    classifier: str
    code: str
    message: str
    retryable: bool
    file_fault: bool


ToWorker = Setup | ClassifyFile | Verdict
FromWorker = Ready | LoadFailed | StartFailed | IdentifiedFiles | Advanced | Classified | Failed
