"""The conformance suite: whether a classifier keeps every rule of the contract.

In a plugin's tests::

    from earmark_plugin_api.testing import parametrize_with_checks

    @parametrize_with_checks([MyClassifier])
    def test_conformance(check):
        check()

Without pytest: ``print(run_checks(MyClassifier))``. Each check is also a function of its own,
``check(factory, device="cpu")``, that raises `CheckFailedError` with what is wrong and how to mend
it. NumPy is all this needs.
"""

from earmark_plugin_api.testing.decorator import BoundCheck, parametrize_with_checks
from earmark_plugin_api.testing.outcome import CheckDoesNotApplyError, CheckFailedError, Factory
from earmark_plugin_api.testing.suite import (
    ALL_CHECKS,
    Check,
    CheckReport,
    CheckResult,
    run_checks,
)

__all__ = [
    "ALL_CHECKS",
    "BoundCheck",
    "Check",
    "CheckDoesNotApplyError",
    "CheckFailedError",
    "CheckReport",
    "CheckResult",
    "Factory",
    "parametrize_with_checks",
    "run_checks",
]
