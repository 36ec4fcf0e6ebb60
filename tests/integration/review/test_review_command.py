"""`earmark review`: by keys, by a pipe, and by scripts."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from earmark.review.management import working
from earmark.review.management.keys import read_key
from earmark.review.models import Decision, ReviewItem
from tests.review_queue import BELL, DOG, unsure_of

pytestmark = pytest.mark.django_db

Review = Callable[..., list[Any]]


@pytest.fixture
def items(library: Library, classifier: ClassifierVersion) -> list[ReviewItem]:
    """Three dogs, perhaps, that sound the same."""
    return unsure_of(library, classifier, number=3, angle=1.0)


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch) -> Review:
    """Run the command; return the JSON objects or lines that it wrote."""

    def run(*words: str, typed: str = "", json_lines: bool = True) -> list[Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        out = io.StringIO()
        call_command("review", *words, *(["--json"] if json_lines else []), stdout=out)
        lines = out.getvalue().splitlines()
        return [json.loads(line) for line in lines] if json_lines else lines

    return run


def test_one_key_decides_and_z_takes_it_back(review: Review, items: list[ReviewItem]):
    lines = review("work", "--reviewer", "anna", typed="a\nr\nz\nq\n", json_lines=False)

    actions = list(Decision.objects.order_by("pk").values_list("action", "reviewer"))
    assert actions == [("accept", "anna"), ("reject", "anna"), ("undo", "anna")]
    assert sum(line.startswith("item ") for line in lines) == 4
    assert any("Dog <- " in line for line in lines)
    assert not ReviewItem.objects.exclude(holder="").exists()


def test_words_and_comments_are_asked_for(review: Review, items: list[ReviewItem]):
    review("work", typed="c\nlistened twice\nw\nFox; Growl\n+\n\nx\nq\n", json_lines=False)

    decision = Decision.objects.get()
    assert (decision.action, decision.words) == ("replace", ["Fox", "Growl"])
    assert decision.comment == "listened twice"


def test_b_decides_for_all_that_sound_nearly_the_same(review: Review, items: list[ReviewItem]):
    lines = review("work", typed="b\nn\nb\nr\n", json_lines=False)

    assert "3 decided; z takes all of them back" in lines
    assert lines[-1] == "Nothing waits for you."
    assert Decision.objects.values("batch").distinct().count() == 1


def test_ctrl_c_ends_the_work_and_gives_back_what_was_held(
    review: Review, items: list[ReviewItem], monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(working, "read_key", interrupt)
    review("work", json_lines=False)

    assert not ReviewItem.objects.exclude(holder="").exists()


def test_without_a_player_nothing_is_played(
    review: Review, items: list[ReviewItem], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert any("no player" in line for line in review(typed="p\n", json_lines=False))


def test_a_terminal_gives_a_key_without_enter_and_is_kept_alive_meanwhile():
    master, slave = pty.openpty()
    waited = threading.Event()

    def type_a_key() -> None:
        waited.wait(timeout=10)
        os.write(master, b"R")

    typist = threading.Thread(target=type_a_key)
    typist.start()
    with os.fdopen(slave, "r") as source:
        key = read_key(source, every_s=0.01, meanwhile=waited.set)
    typist.join()
    os.close(master)

    assert key == "r"


def test_items_are_listed_shown_decided_and_taken_back(
    review: Review, items: list[ReviewItem], classifier: ClassifierVersion, library: Library
):
    unsure_of(library, classifier, BELL, score=0.11)

    assert [row["tag"] for row in review("list")] == [DOG, DOG, DOG, BELL]
    assert [row["tag"] for row in review("list", "--label", BELL)] == [BELL]
    assert len(review("list", "--limit", "2", "--library", "Foley")) == 2
    [shown] = review("show", str(items[0].pk))
    assert (shown["alike"], shown["why"][0], len(shown["neighbours"])) == (3, DOG, 2)

    [decided] = review("decide", str(items[0].pk), "replace", "Fox; Growl", "Yelp")
    assert decided["words"] == ["Fox", "Growl", "Yelp"]
    [undone] = review("undo", str(decided["decision"]))
    assert undone["undoes"] == decided["decision"]
    assert [row["action"] for row in review("log")] == ["undo", "replace"]
    assert review("list", "--state", "decided") == []


def test_all_that_sound_nearly_the_same_are_seen_before_and_decided_at_once(
    review: Review, items: list[ReviewItem]
):
    first = str(items[0].pk)

    assert len(review("decide", first, "reject", "--alike", "--preview")) == 3
    assert not Decision.objects.exists()
    decided = review("decide", first, "reject", "--alike")
    assert len(decided) == 3
    assert len(review("undo", "--batch", decided[0]["batch"])) == 3


def test_a_wrong_command_line_and_a_failure_have_their_statuses(
    review: Review, items: list[ReviewItem]
):
    wrong = [
        (["decide", str(items[0].pk), "replace"], 2),
        (["list", "--library", "nowhere"], 2),
        (["decide", str(items[0].pk), "accept", "--preview"], 2),
        (["decide", "999999", "accept"], 1),
        (["undo", "999999"], 1),
        (["import", "/nowhere.csv"], 1),
    ]
    for words, status in wrong:
        with pytest.raises(CommandError) as caught:
            review(*words)
        assert caught.value.returncode == status, words


def test_figures_thresholds_and_training_data(
    review: Review, items: list[ReviewItem], tmp_path: Path
):
    review("decide", str(items[0].pk), "accept")

    counts, label = review("stats")
    assert counts["items"]["open"]["band"] == 2
    assert (label["label"], label["right"], label["agreement"]["items"]) == ("Dog", 1, 0)
    [told] = review("thresholds", "--precision", "0.9")
    assert (told["suggested"], told["reason"]) == (None, "too_few_decisions")
    [line] = review("thresholds", json_lines=False)
    assert "nothing suggested: only 1 decision" in line

    table = tmp_path / "training.csv"
    assert review("export", str(table)) == [{"rows": 1, "path": str(table)}]
    [row] = csv.DictReader(table.open())
    assert (row["path"], row["label"]) == (str(items[0].file.location), DOG)
    assert review("export", "-", json_lines=False)[0] == "path,label,group"


def test_decisions_come_from_a_table_and_bad_rows_are_told(
    review: Review, items: list[ReviewItem], tmp_path: Path
):
    table = f"file,label,decision\n{items[0].file_id},Dog,accept\n1,Dog,perhaps\n"

    with pytest.raises(CommandError, match="1 row"):
        review("import", "-", "--dry-run", typed=table)
    assert not Decision.objects.exists()
    path = tmp_path / "decisions.csv"
    path.write_text(table)
    with pytest.raises(CommandError, match="1 row"):
        review("import", str(path))
    assert Decision.objects.get().item == items[0]


def test_the_queue_is_brought_in_line_on_demand(review: Review, items: list[ReviewItem]):
    ReviewItem.objects.all().delete()

    assert review("refresh") == [{"new": 3, "changed": 0, "outdated": 0}]
    assert review("refresh") == [{"new": 0, "changed": 0, "outdated": 0}]
