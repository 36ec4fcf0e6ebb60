"""What `earmark tag` prints, for people and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
from pathlib import Path

import mutagen.wave
import pytest

from tests.tag_harness import Installation, noise, sine


@pytest.fixture
def sounds(library: Path) -> Path:
    sine(library / "Track 01.wav")
    noise(library / "Track 02.wav")
    return library


def state(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_json_is_one_object_a_file_with_exactly_the_documented_keys(
    installation: Installation, sounds: Path
) -> None:
    done = installation.tag(sounds)
    assert done.status == 0, done.err
    assert set(done.records) == {"Track 01.wav", "Track 02.wav"}
    tone = done.records["Track 01.wav"]
    assert list(tone) == ["path", "status", "error", "duration", "tags", "predictions"]
    assert tone["path"] == str(sounds / "Track 01.wav")
    assert (tone["status"], tone["error"], tone["duration"]) == ("tagged", None, 1.5)
    assert tone["tags"][0]["tag"] == tone["tags"][0]["label"] == "Sine wave"
    assert list(tone["tags"][0]) == ["tag", "confidence", "label", "origin"]
    assert [list(p) for p in tone["predictions"]] == [["label", "mid", "score"]] * 4
    scores = [p["score"] for p in tone["predictions"]]
    assert scores == sorted(scores, reverse=True)
    assert tone["predictions"][0]["mid"] == "/m/01v_m0"
    assert done.records["Track 02.wav"]["tags"][0]["tag"] == "White noise"
    assert "2 files, 2 tagged" in done.err

    again = installation.tag(sounds)
    assert again.records == done.records
    assert "nothing new to do" in again.err


def test_tags_are_in_the_file_where_other_programs_look(
    installation: Installation, sounds: Path
) -> None:
    assert installation.tag(sounds).status == 0
    tags = mutagen.wave.WAVE(sounds / "Track 01.wav").tags
    assert tags is not None
    assert tags["TCON"].text[0].startswith("Sine wave")
    assert b"Sine wave" in (sounds / "Track 01.wav").read_bytes()


@pytest.mark.parametrize("option", ["--no-write", "--dry-run"])
def test_no_write_and_dry_run_never_touch_a_file(
    installation: Installation, sounds: Path, option: str
) -> None:
    before = state(sounds)
    done = installation.tag(option, sounds)
    assert done.status == 0, done.err
    assert state(sounds) == before
    assert {row["status"] for row in done.records.values()} == {"classified"}
    assert done.records["Track 01.wav"]["tags"]


def test_dry_run_shows_the_difference_of_each_file_and_a_real_run_makes_it(
    installation: Installation, sounds: Path
) -> None:
    trial = installation.run("tag", "--classifier", "bands", "--dry-run", sounds)
    assert f"{sounds}/Track 01.wav (wav)" in trial.out
    assert "+ id3/TCON: Sine wave" in trial.out
    windows = installation.count_windows()

    real = installation.tag(sounds)
    assert {row["status"] for row in real.records.values()} == {"tagged"}
    assert installation.count_windows() == windows, "the trial's scores are used"

    after = installation.run("tag", "--classifier", "bands", "--dry-run", sounds)
    assert "+" not in after.out


def test_csv_holds_a_row_a_file(installation: Installation, sounds: Path) -> None:
    done = installation.run("tag", "--csv", "--classifier", "bands", sounds)
    rows = {Path(row["path"]).name: row for row in csv.DictReader(io.StringIO(done.out))}
    assert rows["Track 02.wav"]["status"] == "tagged"
    assert rows["Track 02.wav"]["top_label"] == "White noise"
    assert "White noise" in rows["Track 02.wav"]["tags"]


def test_a_threshold_changes_the_tags_without_classifying_again(
    installation: Installation, sounds: Path
) -> None:
    installation.tag(sounds)
    windows = installation.count_windows()
    strict = installation.tag("--threshold", "1.0", sounds)
    assert strict.records["Track 02.wav"]["tags"] == []
    tags = mutagen.wave.WAVE(sounds / "Track 02.wav").tags
    assert tags is None or "TCON" not in tags, "our own tag was withdrawn"
    assert installation.count_windows() == windows


def test_limit_works_on_so_many_files_and_the_next_run_goes_on(
    installation: Installation, library: Path
) -> None:
    for number in range(5):
        noise(library / f"{number}.wav", seed=number)
    assert len(installation.tag("--limit", "2", library).records) == 2
    assert len(installation.tag("--limit", "2", library).records) == 4
    assert len(installation.tag(library).records) == 5


def test_a_single_file_and_several_paths(installation: Installation, library: Path) -> None:
    for folder in ("a", "b", "c"):
        (library / folder).mkdir()
        noise(library / folder / f"{folder}1.wav", seed=ord(folder))
        noise(library / folder / f"{folder}2.wav", seed=2 * ord(folder))
    one = installation.tag(library / "a" / "a1.wav")
    assert set(one.records) == {"a1.wav"}
    more = installation.tag(library / "a", library / "b" / "b2.wav", library / "a")
    assert set(more.records) == {"a1.wav", "a2.wav", "b2.wav"}
    assert len(more.out.splitlines()) == 3
    everything = installation.tag(library)
    assert len(everything.records) == 6
    assert installation.count_windows() == 6 * 2


def test_the_table_for_people_has_no_colours_in_a_pipe(
    installation: Installation, sounds: Path
) -> None:
    (sounds / "notes.wav").write_text("no sound at all, just words in a file\n")
    done = installation.run("tag", "--classifier", "bands", sounds)
    assert done.status == 1
    assert "Track 01.wav" in done.out
    assert "Sine wave" in done.out
    assert "not_audio" in done.out
    assert "3 files, 2 tagged, 1 failed" in done.out
    assert "\x1b" not in done.out


def test_a_reader_that_goes_away_is_no_error_to_talk_about(
    installation: Installation, library: Path
) -> None:
    for number in range(8):
        noise(library / f"{number}.wav", seed=number)
    tag = shlex.join(installation.command("tag", "--json", "--classifier", "bands", library))
    done = subprocess.run(
        ["bash", "-c", f"{tag} | head -n 1; echo ${{PIPESTATUS[0]}}"],
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    first, status = done.stdout.splitlines()
    assert json.loads(first)["status"] == "tagged"
    assert status in {"0", "141"}
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


@pytest.mark.parametrize("output", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
def test_without_any_reader_it_ends_as_after_a_broken_pipe(
    installation: Installation, sounds: Path, output: list[str]
) -> None:
    tag = shlex.join(installation.command("tag", *output, "--classifier", "bands", sounds))
    done = subprocess.run(
        ["bash", "-c", f"{tag} | true; echo ${{PIPESTATUS[0]}}"],
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "141\n"
    assert "Traceback" not in done.stderr


def test_every_failure_is_named_in_every_run(installation: Installation, sounds: Path) -> None:
    (sounds / "notes.wav").write_text("no sound at all, just words in a file\n")
    os.mkfifo(sounds / "pipe.wav")
    for _ in range(2):
        done = installation.run("tag", "--classifier", "bands", sounds)
        assert done.status == 1
        rows = done.out.splitlines()
        assert any("notes.wav" in row and "not_audio" in row for row in rows)
        assert any("pipe.wav" in row and "not_a_regular_file" in row for row in rows)
    assert "nothing new to do" in done.out


def test_the_classifier_of_the_settings_is_used_where_none_is_named(
    installation: Installation, sounds: Path
) -> None:
    installation.extra["EARMARK_CLASSIFIER"] = "bands"
    assert installation.run("tag", "--no-write", sounds).status == 0
    assert installation.count_windows() > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/does/not/exist"], "root_not_found"),
        (["--classifier", "nobody", "."], "classifier_unavailable"),
        (["--threshold", "1.5", "."], "between 0 and 1"),
        (["--workers", "0", "."], "1 or more"),
        ([], "PATH"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2(
    installation: Installation, arguments: list[str], said: str
) -> None:
    done = installation.run("tag", *arguments)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_help_has_examples_and_the_exit_status(installation: Installation) -> None:
    text = installation.run("tag", "--help").out
    for part in ("examples:", "exit status:", "--dry-run", "130"):
        assert part in text


def test_an_empty_folder_is_no_error(installation: Installation, library: Path) -> None:
    done = installation.tag(library)
    assert (done.status, done.out) == (0, "")


def test_two_data_folders_are_two_installations(
    installation: Installation, prepared_installation: Installation, sounds: Path, tmp_path: Path
) -> None:
    installation.tag("--no-write", sounds)
    other = Installation(tmp_path / "never used before", prepared_installation.plugins)
    done = other.tag("--no-write", sounds)
    assert done.status == 0, done.err
    assert other.count_windows() == installation.count_windows() > 0
    assert sorted(path.name for path in sounds.iterdir()) == ["Track 01.wav", "Track 02.wav"]
