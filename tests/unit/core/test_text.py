"""Text from strangers is made fit for a database."""

from __future__ import annotations

import pytest

from earmark.core.errors import EarmarkError
from earmark.core.text import to_storable


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("plain ö 🎧", "plain ö 🎧"),
        ("a\0b\udcffc", "a�b�c"),
        ({"k\0": ["\ud800", 1, None, ("x\0",)]}, {"k�": ["�", 1, None, ["x�"]]}),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_what_cannot_be_stored_is_replaced_and_the_rest_kept(given: object, stored: object):
    assert to_storable(given) == stored


def test_an_error_says_what_is_wrong_and_what_to_do():
    class FullError(EarmarkError):
        code = "full"
        hint = "Make room."

    error = FullError("It is full.", context={"free": 0})

    assert str(error) == "It is full. Make room."
    assert (error.code, error.context) == ("full", {"free": 0})
    assert str(FullError("It is full.", hint="")) == "It is full."
