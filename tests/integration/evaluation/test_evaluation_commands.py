"""The commands `evaluate`, `compare`, `inspect` and `dataset`, run as people run them."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.labelled_sounds import write_labelled
from tests.tag_harness import Installation, Outcome, install_plugin, noise, sine

RATE = 16_000


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with the classifiers `bands` and `broken`; no database is needed."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "data").mkdir()
    return Installation(folder / "data", install_plugin(folder / "plugins"))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones and noises, two tones in the folder of noises, and a file that is no sound."""
    folder = tmp_path_factory.mktemp("labelled")
    for name in ("sine_wave", "White noise"):
        (folder / name).mkdir()
    for take in range(5):
        sine(folder / "sine_wave" / f"{take}.wav", frequency=900 + 100 * take)
        noise(folder / "White noise" / f"{take}.wav", seed=take)
    for take in range(2):
        sine(folder / "White noise" / f"wrong {take}.wav", frequency=1500 + 50 * take)
    (folder / "White noise" / "list <b>.wav").write_text("milk, bread")
    return folder


def last_object(outcome: Outcome) -> dict[str, Any]:
    assert outcome.status == 0, outcome.err
    told: dict[str, Any] = json.loads(outcome.out.splitlines()[-1])
    return told


class Page(HTMLParser):
    """Collects what a page shows and what it would fetch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        content = path.read_text("utf-8")
        self.feed(content)
        assert "@import" not in content
        assert not re.search(r"url\(", content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data

    def require_self_contained(self, pictures: int) -> None:
        """Everything it shows is in it."""
        assert "script" not in self.tags
        assert "link" not in self.tags
        assert len(self.sources) == pictures
        assert all(source.startswith("data:image/png;base64,iVBOR") for source in self.sources)


def test_evaluate_tells_the_figures_as_json(installation: Installation, labelled: Path) -> None:
    told = last_object(installation.run("evaluate", "bands", "--data", labelled, "--json"))
    assert told["classifier"] == "bands@1.0.0"
    assert (told["clips"], told["failed"], told["labels"]) == (12, 1, 4)
    assert told["accuracy"] == pytest.approx(10 / 12, abs=1e-4)
    assert told["macro_recall"] == pytest.approx((1 + 5 / 7) / 2, abs=1e-4)
    by_class = {row["label"]: row for row in told["per_class"]}
    assert by_class["sine_wave"]["precision"] == pytest.approx(5 / 7, abs=1e-4)
    assert by_class["White noise"]["clips"] == 7
    assert 0 < told["map"] < 1
    low, high = told["intervals"]["accuracy"]
    assert low < told["accuracy"] <= high
    (pair,) = told["confusions"]
    assert (pair["label"], pair["given"], pair["clips"]) == ("White noise", "sine_wave", 2)
    assert sorted(pair["examples"]) == ["White noise/wrong 0.wav", "White noise/wrong 1.wav"]
    (failure,) = told["failures"]
    assert failure["path"] == "White noise/list <b>.wav"
    assert failure["code"] == "not_audio"


def test_evaluate_shows_a_table_and_writes_one_page_without_scripts(
    installation: Installation, labelled: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    done = installation.run("evaluate", "bands", "--data", labelled, "--html", report)
    assert done.status == 0, done.err
    for words in ("accuracy", "0.833", "White noise as sine_wave: 2", "list <b>.wav"):
        assert words in done.out
    page = Page(report)
    page.require_self_contained(pictures=3)
    assert "list <b>.wav" in page.text
    assert "wrong 1.wav" in page.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html"]


def test_the_same_evaluation_gives_the_same_figures(
    installation: Installation, labelled: Path
) -> None:
    command = ("evaluate", "bands", "--data", labelled, "--json", "--limit", "6")
    first, second = (last_object(installation.run(*command)) for _ in range(2))
    assert first == second
    assert {row["clips"] for row in first["per_class"]} == {3}


def test_a_table_of_clips_a_split_and_meanings_are_understood(
    installation: Installation, labelled: Path, tmp_path: Path
) -> None:
    table, means = tmp_path / "clips.csv", tmp_path / "means.csv"
    rows = [("path", "label", "split")]
    for take in range(5):
        split = "val" if take < 2 else "train"
        rows.append((str(labelled / "sine_wave" / f"{take}.wav"), "tone", split))
        rows.append((str(labelled / "White noise" / f"{take}.wav"), "hiss", split))
        rows.append((str(labelled / "White noise" / f"{take}.wav"), "hum", split))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    means.write_text("label,means\ntone,/m/01v_m0\nhiss,white noise\nhum,\n")
    told = last_object(
        installation.run(
            "evaluate", "bands", "--data", table, "--labels", means, "--split", "val", "--json"
        )
    )
    assert (told["clips"], told["accuracy"], told["map"]) == (4, 1.0, 1.0)
    assert [row["label"] for row in told["per_class"]] == ["hiss", "tone"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "nobody", "--data", "DATA"), "classifier_unavailable"),
        (("evaluate", "bands", "--data", "nowhere"), "data_not_found"),
        (("evaluate", "bands", "--data", "DATA", "--html", "a.wav"), "bad_output_file"),
        (("evaluate", "bands", "--data", "DATA", "--limit", "0"), "not a number of 1 or more"),
        (("compare", "bands", "--data", "DATA"), "two different classifiers"),
        (("inspect", "DATA/sine_wave/0.wav", "--out", "DATA/sine_wave/0.wav"), "bad_output_file"),
        (("dataset", "nowhere"), "data_not_found"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2_and_says_why(
    installation: Installation, labelled: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = installation.run(*(part.replace("DATA", str(labelled)) for part in arguments))
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_classes_without_a_label_are_all_named(installation: Installation, tmp_path: Path) -> None:
    data = write_labelled(tmp_path / "data", each=1, seconds=1, classes=("Siren", "White_noise"))
    done = installation.run("evaluate", "bands", "--data", data)
    assert done.status == 2
    assert "labels_do_not_match" in done.err
    assert "'Siren'" in done.err
    assert "--labels" in done.err


def test_one_class_alone_is_no_trial(installation: Installation, labelled: Path) -> None:
    done = installation.run("evaluate", "bands", "--data", labelled, "--limit", "1", "--json")
    assert done.status == 1
    assert "nothing_to_try" in done.err
    assert done.out == ""


def test_a_classifier_that_breaks_down_is_no_result(
    installation: Installation, labelled: Path
) -> None:
    done = installation.run("evaluate", "broken", "--data", labelled, "--json")
    assert done.status == 1
    assert "nothing_to_try" in done.err
    assert "ValueError: shapes do not match" in done.err
    assert done.out == ""


def test_compare_puts_classifiers_side_by_side_on_the_clips_all_could_hear(
    installation: Installation, labelled: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    mended = Installation(installation.data, installation.plugins, extra={"BROKEN_MENDED": "1"})
    done = mended.run("compare", "bands", "broken", "--data", labelled, "--json", "--html", report)
    told = last_object(done)
    assert (told["clips"], told["failed"]) == (12, 1)
    assert [one["classifier"] for one in told["classifiers"]] == ["bands@1.0.0", "broken@1.0.0"]
    assert {row["figure"] for row in told["differences"]} == {"accuracy", "macro_f1", "map"}
    for row in told["differences"]:
        assert (row["difference"], row["interval"], row["clear"]) == (0.0, [0.0, 0.0], False)
    page = Page(report)
    page.require_self_contained(pictures=1)
    assert "cannot be told apart" in page.text
    shown = mended.run("compare", "bands", "broken", "--data", labelled, "--limit", "4")
    assert shown.status == 0, shown.err
    assert "cannot be told apart" in shown.out


def picture(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


def test_inspect_draws_a_sound_and_what_is_heard_in_it(
    installation: Installation, tmp_path: Path
) -> None:
    sound = tmp_path / "take $1$.wav"
    samples = np.concatenate([np.zeros(RATE), 0.5 * np.sin(np.arange(2 * RATE) / 4)])
    soundfile.write(sound, np.stack([samples, samples], axis=1), RATE)
    before = sound.read_bytes()
    out = tmp_path / "take.html"
    done = installation.run("inspect", sound, "--classifier", "bands", "--out", out)
    assert done.status == 0, done.err
    assert done.out.strip() == str(out)
    assert "2 channels are drawn as their mean" in done.err
    page = Page(out)
    page.require_self_contained(pictures=1)
    for words in ("take $1$.wav", "3.00 s", "16000 Hz", "Sine wave", "1.0 to 2.0 s"):
        assert words in page.text
    assert sound.read_bytes() == before


@pytest.mark.parametrize("seconds", [0.1, 2.0])
def test_inspect_draws_silence_and_very_short_sounds(
    installation: Installation, tmp_path: Path, seconds: float
) -> None:
    sound, out = tmp_path / "a.wav", tmp_path / "a.png"
    soundfile.write(sound, np.zeros(round(seconds * RATE)), RATE)
    done = installation.run("inspect", sound, "--classifier", "bands", "--out", out)
    assert done.status == 0, done.err
    assert "silent" in done.err
    assert picture(out)[0] > 800


def test_inspect_of_what_is_no_sound_ends_with_status_1(
    installation: Installation, labelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.png"
    done = installation.run("inspect", labelled / "White noise" / "list <b>.wav", "--out", out)
    assert done.status == 1
    assert "list <b>.wav: " in done.err
    assert "not_audio" in done.err
    assert not out.exists()


def test_inspect_with_a_classifier_that_breaks_down_ends_with_status_1(
    installation: Installation, labelled: Path, tmp_path: Path
) -> None:
    sound, out = labelled / "sine_wave" / "0.wav", tmp_path / "a.png"
    done = installation.run("inspect", sound, "--classifier", "broken", "--out", out)
    assert done.status == 1
    assert "classifier_crashed: The classifier broken broke down" in done.err
    assert not out.exists()


def test_dataset_finds_what_is_wrong_with_a_set(installation: Installation, tmp_path: Path) -> None:
    data = write_labelled(tmp_path / "data", each=2, seconds=1, classes=("Siren", "Rain", "Wind"))
    (data / "Rain" / "take 1.wav").write_bytes((data / "Siren" / "take 1.wav").read_bytes())
    (data / "Rain" / "notes.wav").write_text("milk")
    soundfile.write(data / "Siren" / "quiet.wav", np.zeros(RATE), RATE)
    soundfile.write(data / "Wind" / "click.wav", 0.5 * np.ones(300), 8000)
    (data / "Wind" / "take 2.wav").unlink()
    report, png = tmp_path / "set.html", tmp_path / "set.png"
    told = last_object(installation.run("dataset", data, "--json", "--html", report, "--png", png))
    assert (told["clips"], told["readable"]) == (8, 7)
    assert told["sample_rates"] == {"16000": 6, "8000": 1}
    problems = {row["code"]: row["names"] for row in told["problems"]}
    assert problems["unreadable"] == ["Rain/notes.wav"]
    assert problems["silent"] == ["Siren/quiet.wav"]
    assert problems["too_short"] == ["Wind/click.wav"]
    assert problems["contradiction"] == ["Rain/take 1.wav", "Siren/take 1.wav"]
    page = Page(report)
    page.require_self_contained(pictures=2)
    assert "Siren/quiet.wav" in page.text
    assert picture(png)[0] > 600
    shown = installation.run("dataset", data)
    assert shown.status == 0
    assert "contradiction: Rain/take 1.wav, Siren/take 1.wav" in shown.out
