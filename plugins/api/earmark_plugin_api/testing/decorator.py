"""The suite as pytest cases; pytest is needed only where the decorator is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from earmark_plugin_api.testing.outcome import CheckDoesNotApplyError, Factory
from earmark_plugin_api.testing.suite import (
    ALL_CHECKS,
    Check,
    factory_name,
    require_known_checks,
)

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class BoundCheck:
    """One check of one classifier; call it to make it."""

    check: Check
    factory: Factory
    device: str = "cpu"

    def __call__(self) -> None:
        """Make the check; a check that does not apply is reported as skipped with its reason."""
        import pytest

        __tracebackhide__ = True
        try:
            self.check(self.factory, self.device)
        except CheckDoesNotApplyError as reason:
            pytest.skip(str(reason))


def parametrize_with_checks(
    factories: Sequence[Factory],
    *,
    device: str = "cpu",
    exclude: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Turn a test function into one test a classifier and check.

    Parameters
    ----------
    factories : sequence of callable
        Classifier classes, or anything that makes a new instance without arguments.
    device : str
        What to load on.
    exclude : mapping of str to str
        Names of checks not to make, each with a reason; they are reported as skipped.

    Raises
    ------
    ValueError
        If `exclude` names a check that does not exist.

    Examples
    --------
    ::

        @parametrize_with_checks([MyClassifier])
        def test_conformance(check):
            check()
    """
    import pytest

    excluded = exclude or {}
    require_known_checks(excluded)
    cases = []
    for factory in factories:
        for check in ALL_CHECKS:
            name = check.__name__
            marks = [pytest.mark.skip(reason=excluded[name])] if name in excluded else []
            bound = BoundCheck(check, factory, device)
            cases.append(pytest.param(bound, id=f"{factory_name(factory)}-{name}", marks=marks))
    return pytest.mark.parametrize("check", cases)
