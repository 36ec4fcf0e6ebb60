"""A cascade of classifiers: the second is asked only about what the first leaves in doubt.

The test classifier is sure of tones (1.0) and less so of noise (0.56): with `sure=0.9` noise is
in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.celery_harness import Site, database_of
from tests.tag_harness import descendants, install_plugin, kill, noise, sine, wait_for, wait_for_end

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

STATES = """
    select file.path, classifier.name, job.state from jobs_job job
    join library_audiofile file on file.id = job.file_id
    join classifiers_classifierversion classifier on classifier.id = job.classifier_id
    where job.state <> 'cancelled' order by 1, 2
"""
WRITES = """
    select file.path, count(*) from writeback_tagwrite written
    join library_audiofile file on file.id = written.file_id
    where written.state = 'written' group by file.path order by file.path
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An installation on either database whose policy is a cascade."""
    made = Site(tmp_path / "data", install_plugin(tmp_path / "plugins"))
    made.data.mkdir()
    made.extra["BROKEN_MENDED"] = "yes"
    with database_of(made):
        done = made.run("policy", "set", "combine=cascade", "sure=0.9")
        assert done.status == 0, done.err
        yield made


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for number in range(3):
        noise(folder / f"noise {number}.wav", seed=number)
        sine(folder / f"tone {number}.wav", frequency=500.0 + 100 * number)
    return folder


def command(sounds: Path, *options: str, second: str = "broken") -> list[Any]:
    named = ["--classifier", "bands", "--classifier", second]
    return ["tag", "--json", "--workers", "1", *named, *options, sounds]


def asked(site: Site) -> dict[str, list[str]]:
    """Who was asked about which file; every job has succeeded."""
    found: dict[str, list[str]] = {}
    for path, name, state in site.rows(STATES):
        assert state == "succeeded"
        found.setdefault(path, []).append(name)
    return found


NOISES = {f"noise {number}.wav": ["bands", "broken"] for number in range(3)}
TONES = {f"tone {number}.wav": ["bands"] for number in range(3)}


def test_only_files_in_doubt_are_heard_twice_each_is_written_once_and_then_all_is_done(
    site: Site, sounds: Path
) -> None:
    done = site.run(*command(sounds))

    assert done.status == 0, done.err
    assert asked(site) == NOISES | TONES
    assert {row["status"] for row in done.records.values()} == {"tagged"}
    assert len(done.out.splitlines()) == 6, "each file is reported once"
    once = [(path, 1) for path in sorted(NOISES | TONES)]
    assert site.rows(WRITES) == once

    windows = site.count_windows()
    again = site.run(*command(sounds))
    assert again.status == 0, again.err
    assert site.count_windows() == windows
    assert site.rows(WRITES) == once
    assert site.rows("select state from jobs_run") == [("finished",)]

    told = site.run("explain", "--json", sounds / "noise 0.wav", sounds / "tone 0.wav").out
    heard = [json.loads(line)["basis"]["heard"] for line in told.splitlines()]
    assert heard == [["bands@1.0.0", "broken@1.0.0"], ["bands@1.0.0"]]
    text = site.run("explain", sounds / "tone 0.wav").out
    assert "heard: bands@1.0.0; not: broken@1.0.0" in text


def test_killed_between_the_first_and_the_second_it_goes_on_with_the_second(
    site: Site, sounds: Path
) -> None:
    site.extra["BANDS_SECONDS_PER_WINDOW"] = "0.3"
    process = site.start(*command(sounds), stdout=-3, stderr=-3)
    begun = "select 1 from jobs_job group by classifier_id"
    wait_for(lambda: len(site.rows(begun)) == 2, seconds=120)
    family = [process.pid, *descendants(process.pid)]
    kill(process.pid)
    process.wait()
    wait_for_end(family)
    assert len(site.rows("select 1 from jobs_predictionset")) < 9
    del site.extra["BANDS_SECONDS_PER_WINDOW"]

    assert site.run(*command(sounds)).status == 0

    named = {path: sorted(set(names)) for path, names in asked(site).items()}
    assert named == NOISES | TONES
    assert site.rows(WRITES) == [(path, 1) for path in sorted(NOISES | TONES)]


def test_the_limit_holds_for_second_opinions_too(site: Site, sounds: Path) -> None:
    assert site.run(*command(sounds, "--limit", "2")).status == 0
    assert asked(site) == dict(list(NOISES.items())[:2])
    assert len(site.rows(WRITES)) == 2
    # As if the second had been asked about none of them, with a first one that has heard all.
    assert site.run("tag", "--no-write", "--classifier", "bands", sounds).status == 0

    assert site.run(*command(sounds, "--limit", "1")).status == 0
    assert asked(site)["noise 2.wav"] == ["bands", "broken"]
    assert len(site.rows(WRITES)) == 3
    assert site.run(*command(sounds)).status == 0
    assert asked(site) == NOISES | TONES
    assert len(site.rows(WRITES)) == 6


def test_where_the_second_cannot_be_used_the_word_of_the_first_is_written(
    site: Site, sounds: Path
) -> None:
    done = site.run(*command(sounds, second="weightless"))

    assert done.status == 0, done.err
    assert site.rows(WRITES) == [(path, 1) for path in sorted(NOISES | TONES)]
    failed = [(path, name) for path, name, state in site.rows(STATES) if state == "failed"]
    assert failed == [(path, "weightless") for path in NOISES]
