"""Bad files fail alone, each with one clear line and a stable code; the good ones are tagged."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tag_harness import (
    Installation,
    descendants,
    noise,
    sine,
    wait_for,
    wait_for_end,
    without_superuser_rights,
)

RATE = 8000


def write_bad_files(folder: Path) -> dict[str, str]:
    """Make one file of each bad kind; return the code each has to get."""
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("just some words " * 40)
    sine(folder / "truncated.wav", seconds=3.0)
    os.truncate(folder / "truncated.wav", 40_000)
    soundfile.write(folder / "no samples.wav", np.zeros(0), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    invalid = np.full(RATE, np.nan, np.float32)
    soundfile.write(folder / "nan.wav", invalid, RATE, subtype="FLOAT")
    os.mkfifo(folder / "pipe.wav")
    (folder / "device.wav").symlink_to("/dev/zero")
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "folder.wav").mkdir()
    (folder / "endless").symlink_to(".")
    noise(folder / "unreadable.wav", seed=7).chmod(0)
    return {
        "empty.wav": "empty_file",
        "text.wav": "not_audio",
        "truncated.wav": "truncated",
        "no samples.wav": "no_samples",
        "silent.wav": "silent",
        "nan.wav": "invalid_samples",
        "pipe.wav": "not_a_regular_file",
        "device.wav": "not_a_regular_file",
        "loop.wav": "not_a_regular_file",
        "unreadable.wav": "permission_denied",
    }


@pytest.fixture
def unprivileged(installation: Installation) -> Installation:
    installation.prefix = without_superuser_rights()
    return installation


def test_every_kind_of_bad_file_gets_its_code_and_the_good_ones_their_tags(
    unprivileged: Installation, library: Path
) -> None:
    codes = write_bad_files(library)
    sine(library / "good.wav")
    soundfile.write(library / "really flac.flac", np.sin(np.arange(RATE)), RATE)
    (library / "really flac.flac").rename(library / "wrong extension.wav")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(library / "socket.wav"))
        codes["socket.wav"] = "not_a_regular_file"
        done = unprivileged.tag(library)

    assert done.status == 1
    bad = {name: code for name, code in done.codes.items() if code is not None}
    assert bad == codes
    for name in codes:
        lines = [line for line in done.err.splitlines() if f"/{name}: {codes[name]}: " in line]
        assert len(lines) == 1, (name, done.err)
    for name in ("good.wav", "wrong extension.wav"):
        assert done.records[name]["status"] == "tagged", done.records[name]
    assert done.records["silent.wav"]["status"] == "skipped"
    assert "Traceback" not in done.err

    windows = unprivileged.count_windows()
    again = unprivileged.tag(library)
    assert again.codes == done.codes
    assert again.status == 1
    assert unprivileged.count_windows() == windows


def test_silent_files_alone_are_no_failure(installation: Installation, library: Path) -> None:
    soundfile.write(library / "silent.flac", np.zeros(RATE), RATE)
    quiet = 5e-5 * np.random.default_rng(0).standard_normal(RATE)
    soundfile.write(library / "dither.wav", quiet, RATE, subtype="PCM_24")
    before = (library / "dither.wav").read_bytes()
    done = installation.tag(library)
    assert done.status == 0
    assert set(done.codes.values()) == {"silent"}
    assert all(row["tags"] == row["predictions"] == [] for row in done.records.values())
    assert (library / "dither.wav").read_bytes() == before


def test_a_file_that_was_mended_is_tried_again(installation: Installation, library: Path) -> None:
    (library / "x.wav").write_text("no sound")
    assert installation.tag(library).codes == {"x.wav": "not_audio"}
    sine(library / "x.wav")
    done = installation.tag(library)
    assert (done.status, done.records["x.wav"]["status"]) == (0, "tagged")


def test_names_that_are_not_utf8_or_hostile_are_tagged_and_reported_whole(
    installation: Installation, library: Path
) -> None:
    names = [b"caf\xe9.wav", b"line\nbreak.wav", b"back\\slash.wav", "日本語 ü.wav".encode()]
    for number, name in enumerate(names):
        noise(library / f"{number}.wav", seed=number).rename(library / os.fsdecode(name))
    done = installation.tag(library)
    assert done.status == 0, done.err
    assert {os.fsencode(name) for name in done.records} == set(names)
    table = installation.run("tag", "--csv", "--classifier", "bands", library)
    assert b"caf\xe9.wav" in table.out.encode("utf-8", "surrogateescape")


def test_a_file_that_vanishes_during_the_run_fails_alone(
    installation: Installation, library: Path
) -> None:
    for number in range(6):
        noise(library / f"{number}.wav", seconds=40.0, seed=number, rate=RATE)
    installation.extra["BANDS_SECONDS_PER_WINDOW"] = "0.02"
    out = library.parent / "out"
    with out.open("wb") as stdout:
        process = installation.start(
            *("tag", "--json", "--workers", "1", "--classifier", "bands", library), stdout=stdout
        )
        wait_for(lambda: installation.count_windows() > 0)
        (library / "5.wav").unlink()
        assert process.wait(60) == 1
    text = out.read_text()
    assert text.count('"status": "tagged"') == 5
    assert '"code": "file_not_found"' in text


def test_a_read_only_folder_is_named_and_left_alone(
    unprivileged: Installation, library: Path
) -> None:
    closed = library / "closed"
    closed.mkdir()
    before = noise(closed / "a.wav").read_bytes()
    noise(library / "b.wav", seed=1)
    closed.chmod(0o555)
    done = unprivileged.tag(library)
    closed.chmod(0o755)
    assert done.status == 1
    assert done.codes == {"a.wav": "read_only", "b.wav": None}
    assert done.records["a.wav"]["tags"], "what was found out is kept"
    assert (closed / "a.wav").read_bytes() == before
    opened = unprivileged.tag(library)
    assert (opened.status, opened.codes["a.wav"]) == (0, None)


def test_a_sound_that_kills_its_worker_fails_alone(
    installation: Installation, library: Path
) -> None:
    for number in range(4):
        noise(library / f"{number}.wav", seed=number)
    soundfile.write(library / "killer.wav", np.full(RATE, 0.8), RATE)
    done = installation.tag(library)
    assert done.status == 1
    assert {n: c for n, c in done.codes.items() if c} == {"killer.wav": "worker_died"}
    assert sum(row["status"] == "tagged" for row in done.records.values()) == 4


def test_a_mistake_in_a_classifier_is_not_held_against_the_files(
    installation: Installation, library: Path
) -> None:
    for number in range(4):
        noise(library / f"{number}.wav", seed=number)
    done = installation.tag(library, classifier="broken")
    assert (done.status, set(done.codes.values())) == (1, {"classifier_crashed"})
    assert len(done.codes) == 4
    states = "select distinct state, error_code from library_audiofile"
    assert installation.rows(states) == [("present", "")]

    # They are not tried again: with and without their reports they count the same.
    asked = "select count(*) from jobs_job"
    jobs = installation.rows(asked)
    listed = installation.tag(library, classifier="broken")
    assert (listed.status, listed.codes) == (1, done.codes)
    plain = installation.run("tag", "--classifier", "broken", library)
    assert plain.status == 1
    assert "4 failed" in plain.out + plain.err
    assert installation.rows(asked) == jobs

    good = installation.tag(library)
    assert good.status == 0, good.err
    assert [row["status"] for row in good.records.values()] == ["tagged"] * 4
    installation.extra["BROKEN_MENDED"] = "yes"
    mended = installation.tag("--force", library, classifier="broken")
    assert (mended.status, set(mended.codes.values())) == (0, {None})


def test_formats_without_tags_get_a_sidecar_and_the_sound_stays_as_it_is(
    installation: Installation, library: Path
) -> None:
    sine(library / "a.caf")
    sine(library / "b.w64")
    before = {path.name: path.read_bytes() for path in library.iterdir()}
    done = installation.tag(library)
    assert done.status == 0, done.err
    assert {name: (library / name).read_bytes() for name in before} == before
    for name in before:
        assert "Sine wave" in (library / f"{name}.earmark.json").read_text()
    again = installation.tag(library)
    assert set(again.records) == {"a.caf", "b.w64"}
    assert "nothing new to do" in again.err


def test_no_process_is_left_when_the_command_ends(
    installation: Installation, library: Path
) -> None:
    noise(library / "a.wav", seconds=20.0)
    process = installation.start("tag", "--workers", "1", "--classifier", "bands", library)
    seen: set[int] = set()
    while process.poll() is None:
        seen.update(descendants(process.pid))
    assert process.returncode == 0
    assert len(seen) >= 2
    wait_for_end(seen)
