"""`earmark train`: from sounds to a classifier that tags, and on after being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from earmark_classifiers.trained import read_trained
from tests.tag_harness import Installation
from tests.training_sounds import CLASSES

LESSONS = ("--epochs", "16", "--seed", "3", "--augment", "noise,time-shift")


def train(installation: Installation, table: Path, name: str, *more: str) -> dict[str, object]:
    done = installation.run(
        *("train", "cnn", "--data", table, "--name", name, "--json", *more), timeout=240
    )
    assert done.status == 0, done.err
    report: dict[str, object] = json.loads(done.out)
    return report | {"err": done.err}


@pytest.fixture(scope="module")
def trained(installation: Installation, table: Path) -> dict[str, object]:
    """A classifier that learnt three kinds of sound."""
    return train(installation, table, "kinds", *LESSONS)


def test_it_says_what_it_made_and_how_good_it_is(trained: dict[str, object]) -> None:
    assert (trained["name"], trained["version"]) == ("kinds", "1.0.0")
    assert trained["labels"] == list(CLASSES)
    assert trained["figures"]["accuracy"] == 1.0  # type: ignore[index]
    epochs = [line for line in str(trained["err"]).splitlines() if line.startswith("training ")]
    assert epochs[0].startswith("training 1/16, loss ")
    assert "validation accuracy" in epochs[0] and "ETA" in epochs[0]


def test_it_tags_at_once(
    installation: Installation, trained: dict[str, object], table: Path
) -> None:
    done = installation.run(
        *("tag", "--json", "--no-write", "--workers", "1", "--classifier", "kinds"),
        table.parent / "Rauschen",
    )

    assert done.status == 0, done.err
    records = list(done.records.values())
    assert len(records) == 6
    best = [max(record["predictions"], key=lambda p: p["score"])["label"] for record in records]
    assert best.count("Rauschen") >= 5


def test_training_again_makes_the_next_version(
    installation: Installation, trained: dict[str, object], table: Path
) -> None:
    again = train(
        installation, table, "kinds", "--epochs", "1", "--init", "cnn:kinds", "--freeze", "6"
    )

    assert again["version"] == "1.1.0"
    first, second = (
        read_trained(installation.data / "classifiers" / "kinds" / version)
        for version in ("1.0.0", "1.1.0")
    )
    assert second.training["init"] == "cnn:kinds"
    assert first.files != second.files
    listed = installation.run("classifiers", "--json").out.splitlines()
    assert {"kinds": "1.1.0"}.items() <= {
        row["name"]: row["version"] for row in map(json.loads, listed)
    }.items()


def test_after_kill_9_it_goes_on_to_the_very_same_weights(
    installation: Installation, trained: dict[str, object], table: Path
) -> None:
    process = installation.start(
        *("train", "cnn", "--data", table, "--name", "killed", *LESSONS),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(line.startswith("training 8/16") for line in process.stderr)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (installation.data / "classifiers" / "killed").exists()

    resumed = train(installation, table, "killed", *LESSONS, "--resume")

    assert "training 8/16" not in str(resumed["err"])
    one, other = (read_trained(Path(str(report["folder"]))) for report in (trained, resumed))
    assert one.files == other.files
    assert not (installation.data / "training" / "killed").exists()


def test_ctrl_c_ends_it_politely_and_keeps_the_checkpoint(
    installation: Installation, table: Path
) -> None:
    process = installation.start(
        *("train", "rnn", "--data", table, "--name", "stopped", "--epochs", "50"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(line.startswith("training 1/50") for line in process.stderr)
    os.killpg(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "--resume goes on" in rest
    assert "Traceback" not in rest
    assert (installation.data / "training" / "stopped" / "checkpoint.pt").exists()
    assert not (installation.data / "classifiers" / "stopped").exists()
