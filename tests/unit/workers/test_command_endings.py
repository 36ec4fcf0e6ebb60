"""How the commands for evaluation end when something goes wrong."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark_classifiers.evaluation.mapping import MappingError
from earmark_plugin_api import InvalidInputError
from earmark_workers.evaluation.asking import ending
from earmark_workers.evaluation.trial import NothingToTryError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MappingError("No such label.", code="labels_do_not_match"), 2),
        (ClassifierUnavailableError("There is none."), 2),
        (NothingToTryError("No clip."), 1),
        (InvalidInputError("Too short."), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_can_go_wrong_has_a_sentence_and_a_status(error: Exception, status: int) -> None:
    with pytest.raises(CommandError, match=str(error)) as told, ending():
        raise error
    assert told.value.returncode == status


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as told, ending():
        raise KeyboardInterrupt
    assert told.value.code == 130
    assert "stopped" in capsys.readouterr().err
