"""Every check passes a healthy classifier and fails one that breaks its rule."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import pytest
from broken_classifiers import BROKEN
from broken_scores import Logits, RaisesOnPredict
from broken_under_strain import SoftmaxOfSilence
from healthy_classifier import MANIFEST, Healthy

from earmark_plugin_api import Label, Manifest
from earmark_plugin_api.testing import (
    ALL_CHECKS,
    BoundCheck,
    Check,
    CheckFailedError,
    parametrize_with_checks,
    run_checks,
)

CHECKS = {check.__name__: check for check in ALL_CHECKS}
CASES = [
    pytest.param(CHECKS[name], broken, id=f"{name}-{broken.__name__}")
    for name, classes in BROKEN.items()
    for broken in classes
]


@parametrize_with_checks([Healthy])
def test_a_healthy_classifier_passes(check: BoundCheck) -> None:
    check()


def test_every_check_has_a_classifier_it_must_fail() -> None:
    assert set(BROKEN) == set(CHECKS)


@pytest.mark.parametrize(("check", "broken"), CASES)
def test_a_broken_classifier_fails_with_advice(check: Check, broken: type) -> None:
    with pytest.raises(CheckFailedError) as raised:
        check(broken, "cpu")
    assert raised.value.what and raised.value.remedy.endswith(".")
    assert str(raised.value) == f"{raised.value.what}. {raised.value.remedy}"


def test_every_check_says_in_its_documentation_what_it_demands() -> None:
    summaries = [(check.__doc__ or "").partition("\n")[0] for check in ALL_CHECKS]
    assert all(len(summary) > 30 and summary.endswith(".") for summary in summaries)


def test_a_label_that_says_silence_may_be_sure_of_silence() -> None:
    class HearsSilence(SoftmaxOfSilence):
        @property
        def manifest(self) -> Manifest:
            names = ("Silence", "No bird", "Background noise")
            return dataclasses.replace(MANIFEST, labels=tuple(Label(n, n) for n in names))

    CHECKS["check_silence"](HearsSilence, "cpu")


def test_a_report_holds_one_result_a_check_and_goes_on_after_failures() -> None:
    report = run_checks(RaisesOnPredict)
    outcomes = {result.name: result.outcome for result in report.results}
    assert list(outcomes) == list(CHECKS)
    assert not report.passed
    assert outcomes["check_score_range"] == "failed"
    assert outcomes["check_pool_output"] == "passed"
    assert "ZeroDivisionError" in str(report)


def test_a_report_survives_a_classifier_that_cannot_be_made() -> None:
    def explode() -> Healthy:
        raise OSError("disk on fire")

    report = run_checks(explode)
    assert {result.outcome for result in report.results} == {"failed", "skipped"}
    assert "OSError: disk on fire" in str(report)


def test_a_report_of_a_healthy_classifier_passes() -> None:
    report = run_checks(Healthy)
    assert report.passed
    assert str(report).startswith("Healthy: 30 passed, 0 failed, 0 skipped")


def test_what_does_not_apply_is_skipped_with_a_reason() -> None:
    report = run_checks(functools.partial(Healthy))
    skipped = {result.name: result.message for result in report.results if result.message}
    assert set(skipped) == {"check_construction_is_cheap", "check_label_order"}
    assert all("cannot be imported by name" in reason for reason in skipped.values())


def test_an_excluded_check_is_skipped_with_the_reason_given() -> None:
    report = run_checks(Logits, exclude={"check_score_range": "scores are decibels"})
    (result,) = [r for r in report.results if r.name == "check_score_range"]
    assert (result.outcome, result.message) == ("skipped", "scores are decibels")


def test_excluding_a_check_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="check_typo"):
        run_checks(Healthy, exclude={"check_typo": "whatever"})
    with pytest.raises(ValueError, match="check_typo"):
        parametrize_with_checks([Healthy], exclude={"check_typo": "whatever"})


def test_in_pytest_each_check_is_a_test_of_its_own(tmp_path: Path) -> None:
    test = tmp_path / "test_plugin.py"
    test.write_text(
        "from broken_scores import Logits\n"
        "from earmark_plugin_api.testing import parametrize_with_checks\n"
        "EXCLUDED = {'check_determinism': 'says so'}\n"
        "@parametrize_with_checks([Logits], exclude=EXCLUDED)\n"
        "def test_conformance(check):\n"
        "    check()\n"
    )
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k",
         "score_range or determinism or close_twice", "-c", "/dev/null", str(test)],
        env={"PYTHONPATH": ":".join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert "1 failed, 1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "says so" in done.stdout
    assert "end with a sigmoid or softmax" in done.stdout


def test_the_suite_can_be_imported_without_pytest_or_anything_heavy() -> None:
    code = "import sys, earmark_plugin_api.testing; print(*sorted(sys.modules))"
    paths = ":".join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split())
    assert "numpy" in modules
    assert not modules & {"pytest", "_pytest", "torch", "scipy", "django"}
