"""File names as text: nothing is lost, nothing harmful is shown."""

from __future__ import annotations

import json
import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earmark_files.paths import display, path_to_text, text_to_path

NAMES = st.binary(max_size=60) | st.text(max_size=30).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@given(NAMES)
@example(b"\xff\x00\\")
@example(b"\\xff")
@example(b"\xed\xa0\x80")  # a surrogate, which is not valid UTF-8
@example("e\u0301".encode())
def test_every_name_comes_back_from_its_text(name: bytes) -> None:
    assert text_to_path(path_to_text(name)) == name


@given(NAMES)
def test_text_is_storable_everywhere(name: bytes) -> None:
    text = path_to_text(name)

    assert "\0" not in text
    text.encode("utf-8")  # no lone surrogates
    assert json.loads(json.dumps(text)) == text


@given(NAMES, NAMES)
def test_different_names_have_different_texts(one: bytes, other: bytes) -> None:
    assert (path_to_text(one) == path_to_text(other)) == (one == other)


@given(NAMES, NAMES)
def test_text_of_a_folder_is_a_prefix_of_the_text_of_its_files(folder: bytes, name: bytes) -> None:
    assert path_to_text(folder + b"/" + name) == path_to_text(folder) + "/" + path_to_text(name)


@given(st.text(max_size=40))
def test_text_that_is_accepted_is_the_only_one_for_its_name(text: str) -> None:
    try:
        name = text_to_path(text)
    except ValueError:
        return
    assert path_to_text(name) == text


def test_ordinary_names_stand_for_themselves() -> None:
    for name in ("Door 100%.wav", "Türe — 日本語 🎧.flac", 'a b/c\'s "d".aif'):
        assert path_to_text(name) == name
        assert display(name) == name


@pytest.mark.parametrize("text", ["\\", "a\\b", "\\x4", "\\xFF", "\\x41", "\\xc3\\xa4", "\udcff"])
def test_text_of_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Not a path text"):
        text_to_path(text)


def test_python_strings_with_surrogates_are_understood() -> None:
    assert path_to_text(os.fsdecode(b"a\xff.wav")) == path_to_text(b"a\xff.wav") == "a\\xff.wav"


@given(NAMES)
def test_display_sends_nothing_to_a_terminal_but_printable_text(name: bytes) -> None:
    shown = display(name)

    forbidden = {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.category(character) for character in shown} & forbidden


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"red\x1b[31m.wav", "red\\x1b[31m.wav"),
        (b"two\nlines.wav", "two\\x0alines.wav"),
        ("gnp\u202e.wav".encode(), "gnp\\u202e.wav"),
        (b"latin\xe9.wav", "latin\\xe9.wav"),
        ("family \U0001f468\u200d\U0001f469.wav".encode(), "family \U0001f468\u200d\U0001f469.wav"),
    ],
)
def test_display_makes_hidden_characters_visible(name: bytes, shown: str) -> None:
    assert display(name) == shown
