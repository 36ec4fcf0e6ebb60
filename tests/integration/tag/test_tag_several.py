"""Several classifiers over the same files: the same results as one by one, for one decoding."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.opens import OpenCounter
from tests.tag_harness import (
    Installation,
    descendants,
    kill,
    noise,
    sine,
    wait_for,
    wait_for_end,
)

STATES = """
    select file.path, classifier.name, job.state, job.reason_code from jobs_job job
    join library_audiofile file on file.id = job.file_id
    join classifiers_classifierversion classifier on classifier.id = job.classifier_id
    order by 1, 2
"""
RESULTS = """
    select name, audio_hash, scores, timeline, embedding from jobs_predictionset kept
    join classifiers_classifierversion classifier on classifier.id = kept.classifier_id
    order by 1, 2
"""


def tag_by(
    installation: Installation, library: Path, *classifiers: str, status: int = 0
) -> Counter[str]:
    """Tag without writing; return how often each file was opened."""
    named = [word for name in classifiers for word in ("--classifier", name)]
    counter = OpenCounter(library)
    done = installation.run(
        *("tag", "--no-write", "--json", "--workers", "1", *named, library), timeout=300
    )
    opened = counter.close()
    assert done.status == status, done.err
    return opened


def another(prepared: Installation, data: Path) -> Installation:
    shutil.copytree(prepared.data, data)
    return Installation(data, prepared.plugins)


def outcomes(installation: Installation) -> dict[tuple[str, str], tuple[str, str]]:
    return {(path, name): (state, why) for path, name, state, why in installation.rows(STATES)}


def write_offset(path: Path) -> Path:
    """A sound on which the `bands` classifier brings its process down."""
    offset = 0.7 + 0.1 * np.sin(np.arange(24_000) / 9)
    soundfile.write(path, offset, 16_000)
    return path


def test_the_bundled_and_a_foreign_classifier_find_together_what_each_finds_alone(
    prepared_installation: Installation, tmp_path: Path
) -> None:
    library = tmp_path / "demo"
    each, both = (another(prepared_installation, tmp_path / name) for name in ("each", "both"))
    assert both.run("demo", library).status == 0
    names = ("audioset", "tonal")

    alone = [tag_by(each, library, name) for name in names]
    together = tag_by(both, library, *names)

    expected, found = each.rows(RESULTS), both.rows(RESULTS)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert {row[0] for row in found} == set(names)
    assert found == expected
    assert together == alone[0], "one decoding serves both"


def test_a_file_is_opened_no_more_often_for_three_classifiers_than_for_one(
    prepared_installation: Installation, library: Path, tmp_path: Path
) -> None:
    for number in range(3):
        noise(library / f"{number}.wav", seed=number)
    one, three = (another(prepared_installation, tmp_path / name) for name in ("one", "three"))

    assert tag_by(three, library, "bands", "tonal", "broken", status=0) == tag_by(
        one, library, "bands"
    )


def test_one_that_is_broken_fails_its_own_jobs_only(
    installation: Installation, library: Path
) -> None:
    noise(library / "a.wav")
    sine(library / "b.wav")

    tag_by(installation, library, "broken", "bands", status=0)

    assert outcomes(installation) == {
        ("a.wav", "bands"): ("succeeded", ""),
        ("a.wav", "broken"): ("failed", "classifier_crashed"),
        ("b.wav", "bands"): ("succeeded", ""),
        ("b.wav", "broken"): ("failed", "classifier_crashed"),
    }


def test_one_that_cannot_be_loaded_leaves_the_others_their_files(
    installation: Installation, library: Path
) -> None:
    noise(library / "a.wav")
    sine(library / "b.wav")

    tag_by(installation, library, "weightless", "bands", status=0)

    assert outcomes(installation) == {
        ("a.wav", "bands"): ("succeeded", ""),
        ("a.wav", "weightless"): ("failed", "weights_missing"),
        ("b.wav", "bands"): ("succeeded", ""),
        ("b.wav", "weightless"): ("failed", "weights_missing"),
    }


def test_one_that_brings_its_process_down_on_a_file_costs_the_others_nothing(
    installation: Installation, library: Path
) -> None:
    noise(library / "good.wav")
    write_offset(library / "offset.wav")

    tag_by(installation, library, "bands", "tonal", status=0)

    assert outcomes(installation) == {
        ("good.wav", "bands"): ("succeeded", ""),
        ("good.wav", "tonal"): ("succeeded", ""),
        ("offset.wav", "bands"): ("failed", "worker_died"),
        ("offset.wav", "tonal"): ("succeeded", ""),
    }


@pytest.mark.parametrize("moment", [2, 9])
def test_killed_in_the_midst_it_goes_on_with_both(
    prepared_installation: Installation, library: Path, tmp_path: Path, moment: int
) -> None:
    for number in range(8):
        noise(library / f"{number}.wav", seconds=2.0, seed=number)
    killed, quiet = (another(prepared_installation, tmp_path / name) for name in ("k", "q"))
    killed.extra["BANDS_SECONDS_PER_WINDOW"] = "0.05"
    arguments: list[Any] = ["tag", "--no-write", "--workers", "1"]
    arguments += ["--classifier", "bands", "--classifier", "tonal", library]
    process = killed.start(*arguments, stdout=-3, stderr=-3)
    wait_for(lambda: killed.count_windows() >= moment, seconds=120)
    family = [process.pid, *descendants(process.pid)]
    kill(process.pid)
    process.wait()
    wait_for_end(family)

    killed.extra.clear()
    assert killed.run(*arguments, timeout=300).status == 0
    assert quiet.run(*arguments, timeout=300).status == 0

    assert killed.rows(RESULTS) == quiet.rows(RESULTS)
    assert {state for _, _, state, _ in killed.rows(STATES)} <= {"succeeded", "cancelled"}
