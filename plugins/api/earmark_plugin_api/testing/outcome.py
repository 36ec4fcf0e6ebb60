"""How a check says what it found, and the few steps every check shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.errors import ClassifierError

Factory = Callable[[], Classifier]
"""What a check gets: the classifier's class, or anything that makes a new instance."""

SAME = 1e-4
"""Scores closer than this are equal: float32 networks sum in another order for another batch."""


class CheckFailedError(AssertionError):
    """The classifier broke a rule of the contract.

    Attributes
    ----------
    what : str
        What was found, without a full stop.
    remedy : str
        What the rule is for or how to keep it, as sentences.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what
        self.remedy = remedy


class CheckDoesNotApplyError(Exception):
    """The check cannot be made of this classifier; the message says why."""


@contextmanager
def loaded(factory: Factory, device: str) -> Iterator[Classifier]:
    """Make an instance, load it, and close it in any case."""
    classifier = factory()
    classifier.load(device)
    try:
        yield classifier
    finally:
        classifier.close()


def require(holds: bool | np.bool_, what: str, remedy: str) -> None:
    """Fail with `what` was found and the `remedy`, unless the rule `holds`."""
    if not holds:
        raise CheckFailedError(what, remedy)


def require_error(
    expected: type[ClassifierError], action: Callable[[], object], when: str, remedy: str
) -> None:
    """Fail unless `action` raises `expected`."""
    try:
        action()
    except expected:
        return
    except Exception as error:
        raise CheckFailedError(
            f"{when}: {type(error).__name__} ({error}) came instead of {expected.__name__}", remedy
        ) from error
    raise CheckFailedError(f"{when}: nothing was raised", remedy)


def require_same(
    first: npt.NDArray[Any], second: npt.NDArray[Any], what: str, remedy: str, within: float = SAME
) -> None:
    """Fail unless both arrays have one shape and no value differs by more than `within`.

    Values beyond [-1, 1], as embeddings have, may differ by that share of themselves.
    """
    require(
        first.shape == second.shape,
        f"{what}: the shapes are {first.shape} and {second.shape}",
        remedy,
    )
    if not np.allclose(first, second, rtol=within, atol=within):
        difference = np.abs(np.subtract(first, second, dtype=np.float64)).max()
        raise CheckFailedError(f"{what}: values differ by up to {difference:.3g}", remedy)
