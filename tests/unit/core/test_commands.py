"""How commands of Earmark read their arguments and end."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from earmark.core.arguments import count, number, positive, share
from earmark.core.commands import EarmarkCommand
from earmark.core.errors import EarmarkError


class LostError(EarmarkError):
    code = "lost"
    hint = "Look again."


class UnknownError(LostError):
    code = "unknown"


class Failing(EarmarkCommand):
    epilog = "examples:\n  earmark failing"
    usage_errors = (UnknownError,)
    requires_system_checks: list[str] = []
    error: Exception

    def handle(self, *args: Any, **options: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"), [(LostError("It is gone."), 1), (UnknownError("There is none."), 2)]
)
def test_what_goes_wrong_is_a_line_with_its_code_and_a_status(error: EarmarkError, status: int):
    command = Failing()
    command.error = error
    with pytest.raises(CommandError) as told:
        call_command(command)
    assert str(told.value) == f"{error.code}: {error.message} Look again."
    assert told.value.returncode == status


def test_a_reader_that_went_away_ends_the_command_as_it_ends_others():
    command = Failing()
    command.error = BrokenPipeError()
    before = os.dup(sys.__stdout__.fileno())
    try:
        with pytest.raises(SystemExit) as told:
            call_command(command)
    finally:
        os.dup2(before, sys.__stdout__.fileno())
        os.close(before)
    assert told.value.code == 141


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [(number, "-1.5", -1.5), (share, "1", 1.0), (count, "0", 0), (positive, "7", 7)],
)
def test_numbers_are_read(read: Callable[[str], float], text: str, value: float):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [(number, "x"), (share, "0"), (share, "1.1"), (share, "nan"), (count, "-1"), (positive, "0")],
)
def test_other_values_are_refused_with_a_sentence(read: Callable[[str], float], text: str):
    with pytest.raises(ArgumentTypeError, match=r"is not|does not"):
        read(text)
