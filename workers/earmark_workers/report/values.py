"""The outcome of one file, as every output shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a file."""

    TAGGED = "tagged"
    """Its tags are in the file (or in its sidecar), written now or earlier."""
    CLASSIFIED = "classified"
    """Its tags are known; writing was not asked for."""
    SKIPPED = "skipped"
    """There is nothing to do with it and nothing wrong with it: it is silent."""
    FAILED = "failed"
    """Something is wrong; the error says what."""


@dataclass(frozen=True)
class ErrorReport:
    """Why there is no result, or no complete one."""

    code: str
    message: str


@dataclass(frozen=True)
class TagReport:
    """One word that goes into the file.

    Attributes
    ----------
    tag : str
    confidence : float
        In [0, 1].
    label : str
        Display name of the label it comes from.
    origin : str
        How it follows from the label, such as ``label`` or ``synonym``.
    """

    tag: str
    confidence: float
    label: str
    origin: str


@dataclass(frozen=True)
class PredictionReport:
    """What the classifier said about one label."""

    label: str
    mid: str
    score: float


@dataclass(frozen=True)
class FileReport:
    """One file of a run.

    Attributes
    ----------
    path : str
        Absolute, as `os.fsdecode` gives it; names that are not UTF-8 hold lone surrogates.
    duration : float or None
        In seconds; None where it is unknown.
    tags, predictions : tuple
        Highest first.
    fresh : bool
        Whether anything was done for it in this run.
    diff : str
        What a dry run would change in the file; empty otherwise.
    """

    path: str
    status: Status
    error: ErrorReport | None = None
    duration: float | None = None
    tags: tuple[TagReport, ...] = ()
    predictions: tuple[PredictionReport, ...] = ()
    fresh: bool = True
    diff: str = ""
