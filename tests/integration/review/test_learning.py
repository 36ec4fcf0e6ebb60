"""What decisions teach: shares with intervals, thresholds, agreement, training data."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from pytest import approx

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library
from earmark.review.models import Decision, ReviewItem
from earmark.review.selectors import (
    LabelReport,
    LabelThreshold,
    count_items,
    get_label_reports,
    get_thresholds,
    iterate_training_rows,
    list_items,
    training,
)
from earmark.review.services import Word, decide
from earmark.review.tables import TRAINING_COLUMNS, write_rows
from earmark_classifiers.training.data import read_dataset
from tests.factories import AudioFileFactory, LibraryFactory, make_sound
from tests.review_queue import DOG, unsure_of

pytestmark = pytest.mark.django_db


def judge(
    library: Library,
    classifier: ClassifierVersion,
    score: float,
    *verdicts: str,
    kind: str = "band",
    number: int | None = None,
) -> None:
    """Make items of a score; decide the first of them, without what that does to their tags."""
    files = AudioFile.objects.bulk_create(
        AudioFile(
            library=library,
            path=f"{kind} {score} {n}.wav",
            path_key=f"{library.pk}{kind}{score}{n}"[:32],
            size=1,
            mtime_ns=1,
            first_seen_at=library.created_at,
            last_seen_at=library.created_at,
        )
        for n in range(number or len(verdicts))
    )
    ReviewItem.objects.bulk_create(
        ReviewItem(
            library=library,
            file=file,
            audio_hash=f"test:{file.pk}",
            name=DOG,
            label=DOG,
            mid="/m/0bt9lr",
            classifier=classifier.identity,
            score=score,
            kind=kind,
            rank=file.pk,
            state="decided" if n < len(verdicts) else "open",
            verdict=verdicts[n] if n < len(verdicts) else "",
            closed_at=library.created_at if n < len(verdicts) else None,
        )
        for n, file in enumerate(files)
    )


def report(**chosen: object) -> LabelReport:
    [found] = get_label_reports(items=list_items(), **chosen)  # type: ignore[arg-type]
    return found


def suggestion(precision: float) -> LabelThreshold:
    [found] = get_thresholds(items=list_items(), precision=precision)
    return found


def test_an_item_of_the_slice_stands_for_twenty_tags_and_more_where_others_still_wait(
    library: Library, classifier: ClassifierVersion
):
    judge(library, classifier, 0.9, *["right"] * 9, "wrong", kind="calibration", number=20)
    judge(library, classifier, 0.23, *["right"] * 2, *["wrong"] * 2, number=8)
    judge(library, classifier, 0.13, "wrong", "wrong")

    found = report()

    assert (found.right, found.wrong, found.unsure, found.threshold) == (11, 5, 0, 0.25)
    assert (found.precision.value, found.precision.decisions) == (approx(0.9), 10)
    accepted = 20 * 20
    right = 0.9 * accepted
    assert found.recall.value == approx(right / (right + 4))
    assert found.precision.low is not None
    assert found.precision.low == approx(0.596, abs=0.001)


def test_conflicts_blacklisted_and_unsure_items_tell_nothing_about_thresholds(
    library: Library, classifier: ClassifierVersion
):
    judge(library, classifier, 0.9, "right", kind="conflict")
    judge(library, classifier, 0.8, "wrong", kind="blacklisted")
    judge(library, classifier, 0.7, "unsure", kind="calibration")

    found = report()

    assert (found.right, found.wrong, found.unsure) == (1, 1, 1)
    assert found.precision.value is None
    assert [one.suggestion.reason for one in get_thresholds(items=list_items(), precision=0.5)] == [
        "too_few_decisions"
    ]


def test_copies_of_one_recording_count_once(library: Library, classifier: ClassifierVersion):
    judge(library, classifier, 0.9, *["wrong"] * 5, "right", kind="calibration")
    wrong = ReviewItem.objects.filter(verdict="wrong")
    wrong.update(audio_hash="one recording")

    assert report().precision.value == approx(0.5)
    assert report().precision.decisions == 2


def test_a_threshold_is_suggested_where_the_data_are_enough_and_else_not(
    library: Library, classifier: ClassifierVersion
):
    judge(library, classifier, 0.9, *["right"] * 20, kind="calibration")
    assert suggestion(0.9).suggestion.reason == "too_few_decisions"

    judge(library, classifier, 0.6, *["right"] * 30, kind="calibration")
    judge(library, classifier, 0.3, *["wrong"] * 30, kind="calibration")
    found = suggestion(0.9)
    assert (found.label, found.threshold, found.suggestion.threshold) == (DOG, 0.25, 0.6)
    assert found.suggestion.recall.value == 1.0
    assert suggestion(0.99).suggestion.reason == "not_reached"


def test_what_another_library_teaches_is_left_out(library: Library, classifier: ClassifierVersion):
    judge(library, classifier, 0.9, "right", kind="calibration")
    judge(LibraryFactory(), classifier, 0.9, "wrong", kind="calibration")

    own = list_items().filter(library=library)
    [found] = get_label_reports(items=own, library=library)
    assert (found.right, found.wrong) == (1, 0)
    assert count_items(items=own)["decided"]["calibration"] == 1


def test_what_two_reviewers_said_about_the_same_items_is_compared(
    library: Library, classifier: ClassifierVersion
):
    items = unsure_of(library, classifier, number=3)
    ReviewItem.objects.update(wanted=2)
    answers = [("accept", "accept"), ("reject", "replace"), ("add", "reject")]
    for item, (one, two) in zip(items, answers, strict=True):
        for reviewer, action in (("ben", two), ("anna", one)):
            words = ("Fox",) if action in ("replace", "add") else ()
            word = Word(Decision.Action(action), words)
            decide(item_id=item.pk, reviewer=reviewer, word=word)

    found = report().agreement

    assert (found.both_right, found.both_wrong, found.first_right, found.second_right) == (
        *(1, 1, 1, 0),
    )
    assert found.kappa == approx(0.4)


def test_what_was_found_right_is_training_data_that_train_reads(
    tmp_path: Path, classifier: ClassifierVersion
):
    library = LibraryFactory(root=str(tmp_path / "sounds"))
    items = unsure_of(library, classifier, number=4, angle=5.0)
    for number, item in enumerate(items):
        path = make_sound(tmp_path / "sounds" / f"{number}.wav", seed=number)
        AudioFile.objects.filter(pk=item.file_id).update(path=path.name)
    for item, word in zip(
        items,
        [
            Word(Decision.Action.ACCEPT),
            Word(Decision.Action.REPLACE, ("Fox",)),
            Word(Decision.Action.ADD, ("Growl",)),
            Word(Decision.Action.REJECT),
        ],
        strict=True,
    ):
        decide(item_id=item.pk, reviewer="anna", word=word)

    rows = list(iterate_training_rows(items=list_items()))
    table = tmp_path / "training.csv"
    table.write_text("".join(write_rows(TRAINING_COLUMNS, rows)), "utf-8")

    data = read_dataset(table)
    assert data.labels == ("Dog", "Fox", "Growl")
    assert data.counts() == {"Dog": 2, "Fox": 1, "Growl": 1}
    assert len({clip.group for clip in data.clips}) == 1
    assert [clip.path.name for clip in data.clips] == ["0.wav", "1.wav", "2.wav"]


def test_training_data_of_many_files_takes_no_more_memory_than_that_of_few(
    classifier: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
):
    library = LibraryFactory()
    monkeypatch.setattr(training, "BATCH", 100)
    monkeypatch.setattr(training, "_IDS_AT_ONCE", 100)

    def peak(files: int) -> int:
        [item] = unsure_of(library, classifier)
        decision = decide(item_id=item.pk, reviewer="anna", word=Word(Decision.Action.ACCEPT))
        more = AudioFileFactory.build_batch(files, library=library)
        ReviewItem.objects.bulk_create(
            ReviewItem(
                library=library, file=file, audio_hash="a", name=DOG, label="Dog", kind="band",
                classifier=classifier.identity, score=0.2, rank=1, state="decided",
                verdict="right", effect=decision.pk, closed_at=file.first_seen_at,
            )
            for file in AudioFile.objects.bulk_create(more)
        )  # fmt: skip
        tracemalloc.start()
        try:
            rows = sum(1 for _ in iterate_training_rows(items=list_items()))
            assert rows >= files
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(200)  # what is imported and cached once
    small, large = peak(1), peak(600)

    # A row that was kept would be hundreds of bytes.
    assert large - small < 600 * 150
