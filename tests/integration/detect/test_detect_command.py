"""`earmark train detector` and `earmark detect`: from two folders to events in recordings."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.sound_classes import RATE, chirp, hiss, write_classes
from tests.tag_harness import Installation, install_plugin

CALLS = (7.2, 21.5, 22.6, 48.0)
"""Where the long recording has a call of half a second, in seconds."""


def forest(rng: np.random.Generator, seconds: float = 6.0) -> np.ndarray:
    """Wind in leaves: quiet noise."""
    return 0.2 * hiss(rng, seconds)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("detect")
    made = Installation(
        folder / "data", install_plugin(folder / "plugins"), {"OMP_NUM_THREADS": "1"}
    ).with_database()
    data = write_classes(folder / "calls", 10, {"robin": chirp, "background": forest})
    done = made.run("train", "detector", "--data", data, "--name", "robins", "--json", timeout=280)
    assert done.status == 0, done.err
    assert json.loads(done.out)["labels"] == ["robin"]
    return made


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a minute of forest with calls, one without, and a file that is no sound."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "plot 7").mkdir()
    rng = np.random.default_rng(77)
    empty, full = forest(rng, 60), forest(rng, 60)
    for begin in CALLS:
        call = 0.4 * chirp(rng)
        full[round(begin * RATE) :][: len(call)] += call
    soundfile.write(folder / "plot 7" / "dawn.wav", full, RATE)
    soundfile.write(folder / "noon.flac", empty, RATE)
    (folder / "broken.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    return folder


def assert_calls(events: list[tuple[float, float]]) -> None:
    """The two calls a second apart are one event."""
    assert len(events) == 3
    for begin, (start, end) in zip((7.2, 21.5, 48.0), events, strict=True):
        assert begin - 1.5 < start <= begin + 0.5
        assert begin < end < begin + 4


def test_json_has_one_object_a_recording_with_its_count(
    installation: Installation, recordings: Path
) -> None:
    done = installation.run("detect", "robins", recordings, "--json")
    assert done.status == 1, done.err  # one of the files is no sound
    told = {Path(row["path"]).name: row for row in map(json.loads, done.out.splitlines())}
    assert told["broken.wav"]["error"]["code"]
    assert (told["noon.flac"]["count"], told["noon.flac"]["events"]) == (0, [])
    dawn = told["dawn.wav"]
    assert (dawn["label"], dawn["seconds"], dawn["count"]) == ("robin", 60.0, 3)
    assert_calls([(event["start"], event["end"]) for event in dawn["events"]])
    assert "3 events in 2 recordings of 0.03 h, 1 failed" in done.err
    assert "broken.wav" in done.err


def test_tables_for_audacity_and_raven_lie_under_the_recordings_names(
    installation: Installation, recordings: Path, tmp_path: Path
) -> None:
    dawn = recordings / "plot 7" / "dawn.wav"
    done = installation.run(
        *("detect", "robins", dawn.parent, recordings / "noon.flac", "--csv"),
        *("--audacity", tmp_path / "labels", "--raven", tmp_path / "raven"),
    )
    assert done.status == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["path"] for row in rows} == {str(dawn)}
    times = [(float(row["start"]), float(row["end"])) for row in rows]
    assert_calls(times)

    labels = (tmp_path / "labels" / "dawn.wav.labels.txt").read_text().splitlines()
    found = [line.split("\t") for line in labels]
    edges = [float(edge) for start, end, _ in found for edge in (start, end)]
    assert edges == pytest.approx([edge for pair in times for edge in pair])
    assert all(text.startswith("robin 0.") or text == "robin 1.00" for _, _, text in found)

    table = (tmp_path / "raven" / "dawn.wav.selections.txt").read_text()
    raven = list(csv.DictReader(io.StringIO(table), delimiter="\t"))
    begins = [float(row["Begin Time (s)"]) for row in raven]
    assert begins == pytest.approx([start for start, _ in times])
    # A recording without events was heard, too.
    assert (tmp_path / "labels" / "noon.flac.labels.txt").read_text() == ""
    assert (tmp_path / "raven" / "noon.flac.selections.txt").read_text().count("\n") == 1
    assert not list(tmp_path.rglob(".*"))


def test_people_read_how_often_and_when_and_may_ask_for_more_certainty(
    installation: Installation, recordings: Path
) -> None:
    dawn = recordings / "plot 7" / "dawn.wav"
    done = installation.run("detect", "robins", dawn)
    head, *events = done.out.splitlines()
    assert head == f"{dawn}: 3 × robin"
    assert events[0].strip().startswith("0:00:0")
    certain = installation.run("detect", "robins", dawn, "--threshold", "1", "--min-seconds", "0.5")
    assert certain.out.splitlines()[0] == f"{dawn}: 0 × robin"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "."), "no classifier named 'nobody'"),
        (("audioset", "."), "is no detector"),
        (("robins", "no-such-folder"), "no-such-folder"),
        (("robins", ".", "--threshold", "2"), "does not lie between 0 and 1"),
        (("robins", ".", "--csv", "--json"), "not allowed with"),
    ],
)
def test_a_wrong_command_line_ends_with_two(
    installation: Installation, arguments: tuple[str, ...], words: str
) -> None:
    done = installation.run("detect", *arguments)
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_no_table_takes_the_place_of_another(
    installation: Installation, recordings: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(recordings / "noon.flac", tmp_path / folder)
    same = (tmp_path / "a" / "noon.flac", tmp_path / "b" / "noon.flac")
    done = installation.run("detect", "robins", *same, "--raven", tmp_path / "tables")
    assert done.status == 2
    assert "same table" in " ".join(done.err.split())
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("names", [("robin", "wren"), ("robin", "wren", "background")])
def test_a_detector_needs_one_sound_and_one_background(
    installation: Installation, tmp_path: Path, names: tuple[str, ...]
) -> None:
    data = write_classes(tmp_path / "data", 2, dict.fromkeys(names, chirp))
    done = installation.run("train", "detector", "--data", data, "--name", "wrens")
    assert done.status == 1
    assert "no_background" in done.err
    assert "'background'" in done.err
