"""A file is known by its sound, wherever it lies and whatever its tags say."""

from __future__ import annotations

import shutil
from pathlib import Path

import mutagen.flac
import pytest
import soundfile

from tests.tag_harness import Installation, noise, sine


@pytest.fixture
def tagged(installation: Installation, library: Path) -> Installation:
    for number in range(3):
        noise(library / f"{number}.wav", seed=number)
    assert installation.tag(library).status == 0
    installation.log.unlink()
    return installation


def test_a_second_run_starts_no_worker_and_writes_nothing(
    tagged: Installation, library: Path
) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in library.iterdir()}
    done = tagged.tag(library)
    assert done.status == 0
    assert len(done.records) == 3
    assert not tagged.log.exists()
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in library.iterdir()} == before


def test_a_renamed_and_a_moved_file_are_recognised(tagged: Installation, library: Path) -> None:
    (library / "0.wav").rename(library / "Door slam.wav")
    (library / "deep" / "down").mkdir(parents=True)
    (library / "1.wav").rename(library / "deep" / "down" / "1.wav")
    contents = {path.name: path.read_bytes() for path in library.rglob("*.wav")}
    writes = tagged.rows("select count(*) from writeback_tagwrite")
    done = tagged.tag(library)
    assert done.status == 0
    assert set(done.records) == {"Door slam.wav", "1.wav", "2.wav"}
    assert {row["status"] for row in done.records.values()} == {"tagged"}
    assert tagged.count_windows() == 0
    assert {path.name: path.read_bytes() for path in library.rglob("*.wav")} == contents
    assert tagged.rows("select count(*) from writeback_tagwrite") == writes
    assert tagged.rows("select count(*) from library_audiofile") == [(3,)]


def test_duplicates_are_classified_once_and_all_tagged(
    installation: Installation, library: Path
) -> None:
    first = noise(library / "a.wav", seconds=5.0)
    for name in ("b.wav", "c.wav", "sub.wav"):
        shutil.copy(first, library / name)
    done = installation.tag(library)
    assert done.status == 0
    assert installation.count_windows() == 5
    rows = list(done.records.values())
    assert {row["status"] for row in rows} == {"tagged"}
    assert all(row["predictions"] == rows[0]["predictions"] for row in rows)
    assert {row["duration"] for row in rows} == {5.0}


def test_a_changed_sound_is_classified_again_and_gets_the_new_tags(
    tagged: Installation, library: Path
) -> None:
    sine(library / "0.wav")
    done = tagged.tag(library)
    assert tagged.count_windows() == 2
    assert done.records["0.wav"]["tags"][0]["tag"] == "Sine wave"


def test_tags_changed_by_somebody_else_are_kept_and_the_sound_is_not_classified_again(
    installation: Installation, library: Path
) -> None:
    sine(library / "tone.wav")
    samples, rate = soundfile.read(library / "tone.wav")
    (library / "tone.wav").unlink()
    path = library / "tone.flac"
    soundfile.write(path, samples, rate)
    installation.tag(library)
    installation.log.unlink()
    flac = mutagen.flac.FLAC(path)
    flac["TITLE"] = "My own title"
    flac["GENRE"] = "My own genre"
    flac.save()
    done = installation.tag(library)
    assert (done.status, done.records["tone.flac"]["status"]) == (0, "tagged")
    assert installation.count_windows() == 0
    now = mutagen.flac.FLAC(path)
    assert (now["TITLE"], now["GENRE"]) == (["My own title"], ["My own genre"])
    assert "Sine wave" in now["KEYWORDS"][0]


def test_tags_written_without_them_first_come_in_with_the_next_run(
    installation: Installation, library: Path
) -> None:
    sine(library / "a.wav")
    assert installation.tag("--no-write", library).records["a.wav"]["status"] == "classified"
    windows = installation.count_windows()
    assert installation.tag(library).records["a.wav"]["status"] == "tagged"
    assert installation.count_windows() == windows
    assert b"Sine wave" in (library / "a.wav").read_bytes()


def test_a_deleted_file_is_not_reported_any_more(tagged: Installation, library: Path) -> None:
    (library / "1.wav").unlink()
    done = tagged.tag(library)
    assert done.status == 0
    assert set(done.records) == {"0.wav", "2.wav"}


def test_an_offline_library_changes_nothing(tagged: Installation, library: Path) -> None:
    library.rename(library.with_name("unmounted"))
    library.mkdir()
    done = tagged.tag(library)
    assert done.status == 1
    assert "library_empty" in done.err
    library.rmdir()
    library.with_name("unmounted").rename(library)
    assert tagged.tag(library).status == 0
    assert tagged.count_windows() == 0
