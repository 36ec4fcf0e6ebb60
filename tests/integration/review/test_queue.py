"""What waits for a person follows from the tags, in an order that helps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library
from earmark.review.candidates import find_candidates
from earmark.review.errors import ItemClosedError
from earmark.review.models import Decision, DueFile, ReviewItem
from earmark.review.selectors import ItemFilter, list_items
from earmark.review.services import (
    Word,
    decide,
    refresh_files,
    refresh_library,
    refresh_noted,
    refreshing,
    sweep_items,
)
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import FileEvidence, Tag, TagSet
from earmark.tagging.rules import Rules
from earmark.tagging.services import derive_file_tags, set_file_tags
from tests.factories import AudioFileFactory, LibraryFactory
from tests.review_queue import BELL, DOG, SPEECH, derive, hear, unsure_of

pytestmark = pytest.mark.django_db


def waiting() -> list[tuple[str, str]]:
    items = ReviewItem.objects.open().in_order().select_related("file")
    return [(item.file.path, item.name) for item in items]


def test_tags_in_the_review_band_wait_and_others_do_not(
    library: Library, classifier: ClassifierVersion
):
    file = hear(library, classifier, 0.9, 0.2, 0.05, path="a.wav", audio="not in the slice")
    derive([file], classifier)

    item = ReviewItem.objects.get()
    assert (item.name, item.label, item.kind) == (DOG, "Dog", "band")
    assert (item.score, item.classifier) == (0.2, classifier.identity)
    assert item.library == library


def test_a_label_that_contradicts_a_person_is_a_conflict(
    library: Library, classifier: ClassifierVersion
):
    file = hear(library, classifier, 0.01, 0.9, path="cat 3.wav")
    FileEvidence.objects.create(file=file, said={"file_words": ["cat"]}, read_at=file.first_seen_at)
    derive([file], classifier)

    assert ReviewItem.objects.get().kind == ReviewItem.Kind.CONFLICT


def test_a_slice_of_accepted_labels_waits_for_calibration(
    library: Library, classifier: ClassifierVersion
):
    files = [hear(library, classifier, 0.01, 0.9, audio=f"audio {n}") for n in range(120)]
    derive(files, classifier)

    slice_ = set(ReviewItem.objects.values_list("audio_hash", "kind"))
    assert 1 <= len(slice_) <= 20
    ReviewItem.objects.all().delete()
    refresh_files(file_ids=[file.pk for file in files])
    assert set(ReviewItem.objects.values_list("audio_hash", "kind")) == slice_


def test_refreshing_again_changes_nothing(library: Library, classifier: ClassifierVersion):
    items = unsure_of(library, classifier, number=3)
    before = list(ReviewItem.objects.order_by("pk").values())

    done = refresh_files(file_ids=[item.file_id for item in items])

    # unsure_of() has changed how many reviewers are wanted: that is put right again.
    assert (done.new, done.outdated) == (0, 0)
    for row in before:
        row.pop("wanted")
    after = list(ReviewItem.objects.order_by("pk").values())
    for row in after:
        row.pop("wanted")
    assert after == before


def test_a_refresh_that_is_cut_off_leaves_nothing_half_done(
    library: Library, classifier: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
):
    files = [hear(library, classifier, 0.01, 0.2) for _ in range(2)]
    derive_file_tags(files=files, rules=Rules((classifier,), TagPolicy()))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ReviewItem.objects, "bulk_update", die)
        with pytest.raises(KeyboardInterrupt):
            sweep_items()
    assert not ReviewItem.objects.exists()

    assert sweep_items().new == 2
    assert not DueFile.objects.exists()


def due() -> list[int]:
    return sorted(DueFile.objects.values_list("file_id", flat=True))


def test_tags_that_are_derived_note_their_files_once_and_the_same_ones_again_do_not(
    library: Library, classifier: ClassifierVersion
):
    files = [hear(library, classifier, 0.01, 0.2) for _ in range(3)]
    rules = Rules((classifier,), TagPolicy())
    for threshold in (None, 0.15, None):
        other = Rules((classifier,), TagPolicy.with_threshold(threshold)) if threshold else rules
        derive_file_tags(files=files, rules=other)
    assert due() == [file.pk for file in files]
    assert [(seen, done.new) for seen, done in refresh_noted()] == [(3, 3)]
    assert list(refresh_noted()) == []

    derive_file_tags(files=files, rules=rules)
    assert due() == []


def test_the_clock_works_off_some_at_a_time(
    library: Library, classifier: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refreshing, "BATCH", 1)
    monkeypatch.setattr(refreshing, "SWEEP", 2)
    files = [hear(library, classifier, 0.01, 0.2) for _ in range(3)]
    derive_file_tags(files=files, rules=Rules((classifier,), TagPolicy()))

    assert [sweep_items().new for _ in range(3)] == [2, 1, 0]


def raw(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda file: Tag.objects.filter(file=file).update(decision="accept"), "outdated"),
        (lambda file: raw("DELETE FROM tagging_tag WHERE file_id = %s", file.pk), "outdated"),
        (lambda file: TagSet.objects.filter(file=file).delete(), "outdated"),
        (lambda file: TagSet.objects.filter(file=file).update(audio_hash="other"), "outdated"),
        (lambda file: TagSet.objects.filter(file=file).update(results=7), "open"),
        (lambda file: file.delete(), None),
    ],
    ids=["tag", "raw sql", "tag set", "audio", "nothing that matters", "file"],
)
def test_items_follow_the_tags_whoever_changes_them_by_whatever_way(
    change: Callable[[AudioFile], object],
    state: str | None,
    library: Library,
    classifier: ClassifierVersion,
):
    # Not in the random slice, so that an accepted tag is not asked about.
    file = hear(library, classifier, 0.01, 0.2, audio="not in the slice")
    derive([file], classifier)
    pk = file.pk

    change(file)
    assert due() == ([] if state == "open" else [pk])
    sweep_items()

    assert due() == []
    item = ReviewItem.objects.filter(file=pk).exclude(audio_hash="other").first()
    assert (item.state if item else None) == state


def test_a_whole_library_is_refreshed_on_demand(library: Library, classifier: ClassifierVersion):
    other = LibraryFactory()
    for one in (library, other):
        derive_file_tags(
            files=[hear(one, classifier, 0.01, 0.2)], rules=Rules((classifier,), TagPolicy())
        )

    steps = list(refresh_library(library=library))

    assert [(seen, done.new) for seen, done in steps] == [(1, 1)]
    assert ReviewItem.objects.get().library == library


def test_items_whose_tag_has_gone_are_outdated_and_come_back_with_it(
    library: Library, classifier: ClassifierVersion
):
    file = hear(library, classifier, 0.01, 0.2)
    derive([file], classifier)
    item = ReviewItem.objects.get()

    derive([file], classifier, TagPolicy(review=0.22))
    item.refresh_from_db()
    assert (item.state, item.closed_at is None) == ("outdated", False)

    derive([file], classifier)
    again = ReviewItem.objects.get()
    assert (again.pk, again.state, again.closed_at) == (item.pk, "open", None)


def test_decided_items_stay_whatever_is_derived(library: Library, classifier: ClassifierVersion):
    [item] = unsure_of(library, classifier)
    decide(item_id=item.pk, reviewer="anna", word=Word("accept"))

    derive([item.file], classifier, TagPolicy(review=0.22))

    item.refresh_from_db()
    assert (item.state, item.verdict) == ("decided", "right")


def test_other_audio_under_the_same_name_is_asked_about_anew(
    library: Library, classifier: ClassifierVersion
):
    [old] = unsure_of(library, classifier)
    other = hear(library, classifier, 0.01, 0.15)
    AudioFile.objects.filter(pk=old.file_id).update(audio_hash=other.audio_hash)
    derive([AudioFile.objects.get(pk=old.file_id)], classifier)

    old.refresh_from_db()
    new = ReviewItem.objects.open().get(file=old.file_id)
    assert (old.state, new.score) == ("outdated", 0.15)


def test_a_second_opinion_is_not_asked_for_about_audio_that_has_gone_until_it_is_back(
    library: Library, classifier: ClassifierVersion
):
    [item] = unsure_of(library, classifier)
    ReviewItem.objects.update(wanted=2)
    decide(item_id=item.pk, reviewer="anna", word=Word("reject"))
    other = hear(library, classifier, 0.01, 0.15)
    files = AudioFile.objects.filter(pk=item.file_id)

    files.update(audio_hash=other.audio_hash)
    assert not ReviewItem.objects.filter(pk=item.pk).for_reviewer("ben").exists()
    with pytest.raises(ItemClosedError):
        decide(item_id=item.pk, reviewer="ben", word=Word("reject"))
    derive(list(files), classifier)
    item.refresh_from_db()
    assert (item.state, item.opinions, item.verdict) == ("outdated", 1, "")
    assert Decision.objects.opinions().get().reviewer == "anna"

    files.update(audio_hash=item.audio_hash)
    derive(list(files), classifier)
    item.refresh_from_db()
    assert (item.state, item.closed_at) == ("open", None)
    decide(item_id=item.pk, reviewer="ben", word=Word("reject"))
    item.refresh_from_db()
    assert (item.state, item.verdict) == ("decided", "wrong")


def test_what_a_person_has_set_otherwise_is_not_asked_any_more(
    library: Library, classifier: ClassifierVersion
):
    [item] = unsure_of(library, classifier)

    set_file_tags(file=item.file, add=[DOG], by="anna")
    refresh_files(file_ids=[item.file_id])

    item.refresh_from_db()
    assert item.state == "outdated"
    assert Tag.objects.get(file=item.file, name=DOG).origin == Tag.Origin.PERSON


def test_the_most_uncertain_comes_first_then_one_of_each_cluster_then_the_oldest(
    library: Library, classifier: ClassifierVersion
):
    sounds = [
        ("barks 1.wav", 0.2, 0.0),
        ("barks 2.wav", 0.2, 1.0),
        ("barks 3.wav", 0.2, 2.0),
        ("other 1.wav", 0.2, 90.0),
        ("alone.wav", 0.2, None),
        ("surest.wav", 0.11, 180.0),
        ("in doubt.wav", 0.249, 0.0),
    ]
    files = [
        hear(library, classifier, 0.01, score, angle=angle, path=path)
        for path, score, angle in sounds
    ]
    derive(files, classifier)

    assert [path for path, _ in waiting()] == [
        "in doubt.wav",
        *("barks 1.wav", "other 1.wav", "alone.wav"),
        *("barks 2.wav", "barks 3.wav"),
        "surest.wav",
    ]


def test_sounds_join_clusters_whatever_batch_they_come_in(
    library: Library, classifier: ClassifierVersion
):
    first = unsure_of(library, classifier, angle=0.0)[0]
    second = unsure_of(library, classifier, angle=3.0)[0]
    bell = unsure_of(library, classifier, BELL, angle=3.0)[0]
    elsewhere = unsure_of(LibraryFactory(), classifier, angle=3.0)[0]

    assert first.cluster_id == second.cluster_id is not None
    assert len({first.cluster_id, bell.cluster_id, elsewhere.cluster_id}) == 3
    first.cluster.refresh_from_db()
    assert first.cluster.size == 2


def test_clusters_grow_in_one_order_whatever_files_come_first(
    library: Library, classifier: ClassifierVersion
):
    for label in (BELL, DOG):
        unsure_of(library, classifier, label, angle=0.0)
    files = [
        hear(library, classifier, 0.01, dog, bell, angle=1.0)
        for dog, bell in ((0.2, 0.01), (0.01, 0.2))
    ]
    with CaptureQueriesContext(connection) as asked:
        derive(files, classifier)

    grown = [one["sql"] for one in asked if one["sql"].startswith('UPDATE "review_cluster"')]
    ids = [int(sql.rpartition(" = ")[2].strip(";)")) for sql in grown]
    assert len(ids) == 2
    assert ids == sorted(ids)


def test_items_are_chosen_by_library_label_kind_folder_and_classifier(
    library: Library, classifier: ClassifierVersion
):
    file = hear(library, classifier, 0.2, 0.2, path="Animals/Dogs/a.wav")
    derive([file], classifier)
    unsure_of(LibraryFactory(), classifier, BELL)

    def chosen(**wanted: object) -> set[str]:
        items = list_items(meant=ItemFilter(**wanted))  # type: ignore[arg-type]
        return set(items.values_list("name", flat=True))

    assert chosen(libraries=[library]) == {DOG, SPEECH}
    assert chosen(label="Male speech, man speaking") == chosen(label=SPEECH) == {SPEECH}
    assert chosen(folder="Animals") == chosen(folder="Animals/Dogs/") == {DOG, SPEECH}
    assert chosen(folder="Anim") == chosen(kind="conflict") == set()
    assert chosen(classifier=classifier.name) == chosen(classifier=classifier.identity)
    assert chosen(classifier="someone") == chosen(classifier=f"{classifier.name}@9") == set()


def test_a_file_without_tags_has_no_items(library: Library):
    file = AudioFileFactory(library=library)

    assert refresh_files(file_ids=[file.pk]).new == 0
    assert not list(find_candidates([], audio_hash="a", policy=TagPolicy()))
