"""All checks in one list, and running them without a test framework."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from earmark_plugin_api.testing import (
    lifecycle_checks,
    manifest_checks,
    pool_checks,
    resource_checks,
    score_checks,
    sound_checks,
)
from earmark_plugin_api.testing.outcome import CheckDoesNotApplyError, Factory

Check = Callable[[Factory, str], None]

ALL_CHECKS: tuple[Check, ...] = (
    manifest_checks.check_manifest,
    manifest_checks.check_construction_is_cheap,
    manifest_checks.check_label_order,
    lifecycle_checks.check_not_loaded,
    lifecycle_checks.check_close_twice,
    lifecycle_checks.check_reload,
    lifecycle_checks.check_pickling,
    lifecycle_checks.check_unknown_device,
    score_checks.check_score_range,
    score_checks.check_label_columns,
    score_checks.check_determinism,
    score_checks.check_batch_invariance,
    score_checks.check_invalid_input,
    score_checks.check_input_not_modified,
    score_checks.check_results_are_independent,
    score_checks.check_embeddings,
    pool_checks.check_pool_output,
    pool_checks.check_pool_single_window,
    pool_checks.check_pool_within_bounds,
    pool_checks.check_pool_permutation,
    pool_checks.check_pool_label_order,
    pool_checks.check_pool_of_no_windows,
    sound_checks.check_short_clips,
    sound_checks.check_empty_clip,
    sound_checks.check_long_clip,
    sound_checks.check_level_robustness,
    sound_checks.check_silence,
    sound_checks.check_extreme_sounds,
    resource_checks.check_thread_safety,
    resource_checks.check_memory_growth,
)
"""Every rule of the contract, cheap ones first."""

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes
    ----------
    name : str
        Name of the check function.
    outcome : {"passed", "failed", "skipped"}
    message : str
        Why it failed or was skipped; empty where it passed.
    seconds : float
        How long it took.
    """

    name: str
    outcome: Outcome
    message: str
    seconds: float


@dataclass(frozen=True)
class CheckReport:
    """What all checks found about one classifier; ``str(report)`` is meant to be read."""

    classifier: str
    results: tuple[CheckResult, ...]

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """Results of the checks that failed."""
        return tuple(result for result in self.results if result.outcome == "failed")

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    def __str__(self) -> str:
        counts = {
            outcome: sum(result.outcome == outcome for result in self.results)
            for outcome in ("passed", "failed", "skipped")
        }
        lines = [
            f"{self.classifier}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
        ]
        lines += [
            f"  {result.outcome:7} {result.name}"
            + (f": {result.message}" if result.message else "")
            for result in self.results
        ]
        return "\n".join(lines)


def factory_name(factory: Factory) -> str:
    """Name of a class or function, or how Python shows anything else."""
    return str(getattr(factory, "__qualname__", None) or repr(factory))


def require_known_checks(names: Iterable[str]) -> None:
    """Refuse names that are no check's: a typing error would otherwise exclude nothing.

    Raises
    ------
    ValueError
    """
    unknown = sorted(set(names) - {check.__name__ for check in ALL_CHECKS})
    if unknown:
        raise ValueError(f"no check is called {', '.join(unknown)}")


def run_checks(
    factory: Factory, *, device: str = "cpu", exclude: Mapping[str, str] | None = None
) -> CheckReport:
    """Run the whole suite on one classifier; a broken classifier never makes this raise.

    Parameters
    ----------
    factory : callable
        The classifier's class, or anything that makes a new instance without arguments.
    device : str
        What to load on.
    exclude : mapping of str to str
        Names of checks not to make, each with the reason that the report shows.

    Raises
    ------
    ValueError
        If `exclude` names a check that does not exist.
    """
    excluded = exclude or {}
    require_known_checks(excluded)
    results = tuple(
        CheckResult(check.__name__, "skipped", excluded[check.__name__], 0.0)
        if check.__name__ in excluded
        else _run(check, factory, device)
        for check in ALL_CHECKS
    )
    return CheckReport(factory_name(factory), results)


def _run(check: Check, factory: Factory, device: str) -> CheckResult:
    started = time.perf_counter()
    outcome: Outcome = "passed"
    message = ""
    try:
        check(factory, device)
    except CheckDoesNotApplyError as reason:
        outcome, message = "skipped", str(reason)
    except AssertionError as error:
        outcome, message = "failed", str(error)
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; it is reported
        outcome, message = "failed", f"{type(error).__name__}: {error}"
    return CheckResult(check.__name__, outcome, message, time.perf_counter() - started)
