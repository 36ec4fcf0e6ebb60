"""Every command of docs/review.md does what it says."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from earmark.review.candidates import CALIBRATION_SHARE
from earmark.review.clustering import MOST_LEADERS, NEAR
from earmark.review.models import Decision, ReviewItem
from earmark.review.services import LEASE
from earmark.review.statistics import FEWEST
from tests.factories import LibraryFactory
from tests.review_queue import listener, unsure_of
from tests.tag_harness import REPOSITORY

PAGE = (REPOSITORY / "docs" / "review.md").read_text("utf-8")


@pytest.mark.django_db
def test_every_command_does_what_it_says(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    library = LibraryFactory(name="Foley", root=str(tmp_path))
    items = unsure_of(library, listener(), number=6, angle=1.0)
    for number, item in enumerate(items, start=1):
        ReviewItem.objects.filter(pk=item.pk).update(id=number)
    monkeypatch.chdir(tmp_path)
    Path("decisions.csv").write_text("file,label,decision\n1,Dog,accept\n", "utf-8")
    decisions: list[int] = []
    for line in re.findall(r"^earmark (.*)$", PAGE, re.MULTILINE):
        command, *words = shlex.split(line)
        monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
        if words[:1] == ["undo"]:
            words[1] = str(decisions[0])
        if words[:1] == ["import"]:
            [free] = ReviewItem.objects.open().values_list("file", flat=True)[:1]
            Path("decisions.csv").write_text(f"file,label,decision\n{free},Dog,accept\n", "utf-8")
        if "--alike" in words:
            ReviewItem.objects.filter(pk=6).update(cluster=None)
        call_command(command, *words)
        decisions = list(Decision.objects.order_by("pk").values_list("pk", flat=True))

    actions = list(Decision.objects.order_by("pk").values_list("action", flat=True))
    assert actions[:3] == ["accept", "undo", "replace"]
    assert actions.count("reject") == 4
    assert Path("training.csv").read_text("utf-8").startswith("path,label,group\n")


def test_the_page_names_the_numbers_of_the_program():
    assert f"random {CALIBRATION_SHARE:.0%}".replace("%", " %") in PAGE
    assert f"cosine of {NEAR} or more" in PAGE
    assert f"at most {MOST_LEADERS} leaders" in PAGE
    assert f"over {FEWEST} decisions" in PAGE
    assert LEASE.total_seconds() == 5 * 60
