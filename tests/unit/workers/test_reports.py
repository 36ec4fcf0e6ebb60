"""What people and programs get to see of a run."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from dataclasses import replace

from rich.console import Console

from earmark_workers.report.lines import CsvLines, JsonLines
from earmark_workers.report.progress import ProgressLine, format_seconds
from earmark_workers.report.table import MAX_ROWS, print_summary, print_table
from earmark_workers.report.values import (
    ErrorReport,
    FileReport,
    PredictionReport,
    Status,
    TagReport,
)

DOG = FileReport(
    "/lib/Track 18.wav",
    Status.TAGGED,
    duration=1.23456,
    tags=(TagReport("Bark", 0.91234, "Bark", "classifier"),),
    predictions=(PredictionReport("Bark", "/m/05tny_", 0.912344),),
)
BROKEN = FileReport("/lib/x.wav", Status.FAILED, ErrorReport("not_audio", "No sound [in] it."))


def plain_console(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json_has_exactly_the_documented_keys() -> None:
    out = io.StringIO()
    JsonLines(out).write(DOG)
    JsonLines(out).write(BROKEN)
    good, bad = map(json.loads, out.getvalue().splitlines())
    assert good == {
        "path": "/lib/Track 18.wav",
        "status": "tagged",
        "error": None,
        "duration": 1.235,
        "tags": [{"tag": "Bark", "confidence": 0.9123, "label": "Bark", "origin": "classifier"}],
        "predictions": [{"label": "Bark", "mid": "/m/05tny_", "score": 0.9123}],
    }
    assert bad["error"] == {"code": "not_audio", "message": "No sound [in] it."}
    assert bad["duration"] is None


def test_json_gives_back_the_bytes_of_a_name_that_is_not_utf8() -> None:
    out = io.StringIO()
    name = os.fsdecode(b"/lib/caf\xe9\n.wav")
    JsonLines(out).write(FileReport(name, Status.TAGGED))
    assert out.getvalue().isascii()
    assert out.getvalue().count("\n") == 1
    assert os.fsencode(json.loads(out.getvalue())["path"]) == b"/lib/caf\xe9\n.wav"


def test_csv_is_read_back_by_a_csv_reader() -> None:
    out = io.StringIO()
    writer = CsvLines(out)
    for report in (DOG, BROKEN):
        writer.write(report)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["path"] for row in rows] == [DOG.path, BROKEN.path]
    assert rows[0]["tags"] == "Bark"
    assert (rows[0]["top_label"], rows[0]["top_score"]) == ("Bark", "0.9123")
    assert (rows[1]["error_code"], rows[1]["duration"]) == ("not_audio", "")


def test_the_table_shows_tags_and_reasons_without_colour_codes() -> None:
    console = plain_console()
    print_table(console, [DOG, BROKEN])
    text = printed(console)
    assert "Track 18.wav" in text
    assert "Bark 0.91" in text
    assert "not_audio: No sound [in] it." in text
    assert "\x1b" not in text


def test_the_table_is_in_order_and_shows_the_other_words_of_a_label() -> None:
    console = plain_console()
    rain = (TagReport("Rain", 0.5, "Rain", "classifier"), TagReport("rainfall", 0.5, "Rain", "s"))
    print_table(console, [DOG, FileReport("/lib/Track 02.wav", Status.TAGGED, tags=rain)])
    text = printed(console)
    assert text.index("Track 02.wav") < text.index("Track 18.wav")
    assert "Rain 0.50 (rainfall)" in text


def test_a_file_name_cannot_send_commands_to_the_terminal() -> None:
    console = plain_console()
    evil = FileReport("/lib/a\x1b[2J[red]b.wav", Status.TAGGED)
    print_table(console, [evil])
    assert "\x1b" not in printed(console)
    assert "[red]b.wav" in printed(console)


def test_a_long_table_is_cut_and_says_so() -> None:
    console = plain_console()
    print_table(console, [DOG] * (MAX_ROWS + 7))
    assert "7 more" in printed(console)


def test_a_long_table_still_names_every_failure() -> None:
    console = plain_console()
    late = replace(BROKEN, path="/lib/zz.wav")
    print_table(console, [*[DOG] * (MAX_ROWS + 7), late])
    text = printed(console)
    assert "zz.wav" in text
    assert "not_audio" in text
    assert "7 more" in text


def test_the_summary_says_when_there_was_nothing_to_do() -> None:
    console = plain_console()
    counts = Counter({Status.TAGGED: 3, Status.FAILED: 1})
    print_summary(console, counts=counts, fresh=0, seconds=0.0, elapsed=0.1)
    assert printed(console) == "4 files, 3 tagged, 1 failed; nothing new to do\n"


def test_progress_counts_files_audio_speed_and_failures() -> None:
    now = [100.0]
    console = plain_console()
    with ProgressLine(console, files=3, size=300, clock=lambda: now[0]) as line:
        now[0] += 40.0
        line.heard(7200.0)
        line.finished(files=2, size=200, failed=1)
    assert "0/3 files  2.00 h of audio  180x real time  0 failed" in printed(console)
    assert line.seconds == 7200.0


def test_lengths_are_shown_as_clocks_do() -> None:
    assert [format_seconds(s) for s in (0.4, 65, 3723)] == ["0:00", "1:05", "1:02:03"]


def test_the_summary_does_not_pass_off_files_without_tags_as_tagged() -> None:
    console = plain_console()
    counts = Counter({Status.TAGGED: 14})
    print_summary(console, counts=counts, fresh=14, seconds=36.0, elapsed=1.0, empty=3)
    assert printed(console).startswith("14 files, 14 tagged (3 without a tag above the threshold);")
