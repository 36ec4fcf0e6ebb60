"""What reviewers say holds for tags and file, can be taken back, and is never forgotten."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from earmark.classifiers.models import ClassifierVersion
from earmark.core.errors import EarmarkError
from earmark.library.models import Library
from earmark.review.errors import (
    DecisionUnknownError,
    InvalidDecisionError,
    ItemClosedError,
    ItemHeldError,
    ItemUnknownError,
    LeaseLostError,
    NothingToUndoError,
    NotYoursError,
)
from earmark.review.models import Decision, ReviewItem
from earmark.review.models.decisions import AppendOnlyError
from earmark.review.selectors import list_items
from earmark.review.services import (
    Lease,
    Word,
    decide,
    decide_batch,
    lease_items,
    preview_batch,
    refresh_files,
    release_lease,
    renew_lease,
    undo_batch,
    undo_decision,
)
from earmark.tagging.errors import InvalidWordsError
from earmark.tagging.models import Tag, TagSet
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from tests.review_queue import BELL, DOG, derive, hear, unsure_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(library: Library, classifier: ClassifierVersion) -> ReviewItem:
    """A dog, perhaps."""
    return unsure_of(library, classifier)[0]


def tags_of(item: ReviewItem) -> dict[str, str]:
    return dict(Tag.objects.filter(file=item.file_id).values_list("name", "decision"))


def said(action: str, *words: str) -> Word:
    return Word(Decision.Action(action), words)


@pytest.mark.parametrize(
    ("word", "verdict", "tags"),
    [
        (said("accept"), "right", {DOG: "accept"}),
        (said("reject"), "wrong", {}),
        (said("replace", "Fox", "Growl"), "wrong", {"Fox": "accept", "Growl": "accept"}),
        (said("add", "Growl"), "right", {DOG: "accept", "Growl": "accept"}),
    ],
)
def test_tags_follow_a_decision_through_every_derivation_and_back(
    item: ReviewItem, classifier: ClassifierVersion, word: Word, verdict: str, tags: dict[str, str]
):
    before = tags_of(item)
    decision = decide(item_id=item.pk, reviewer="anna", word=word)

    item.refresh_from_db()
    assert (item.state, item.verdict) == ("decided", verdict)
    named = {name: what for name, what in tags_of(item).items() if name in {*tags, DOG}}
    assert named == tags
    derive([item.file], classifier)
    assert named == {name: tags_of(item)[name] for name in tags}

    undo_decision(decision_id=decision.pk, reviewer="anna")

    item.refresh_from_db()
    assert (item.state, item.verdict, item.effect, item.change) == ("open", "", None, None)
    assert tags_of(item) == before


def test_who_cannot_tell_changes_nothing_and_somebody_else_is_asked(item: ReviewItem):
    decide(item_id=item.pk, reviewer="anna", word=said("unsure"))

    assert tags_of(item) == {DOG: "review"}
    assert not lease_items(items=list_items(), reviewer="anna")
    assert lease_items(items=list_items(), reviewer="ben") == [item]
    decide(item_id=item.pk, reviewer="ben", word=said("unsure"))
    item.refresh_from_db()
    assert (item.state, item.verdict) == ("decided", "unsure")


def test_what_is_skipped_comes_last_until_the_skip_is_taken_back(
    library: Library, classifier: ClassifierVersion
):
    first, second = unsure_of(library, classifier, number=2)

    skip = decide(item_id=first.pk, reviewer="anna", word=said("skip"))
    assert list(list_items().in_order()) == [second, first]

    undo_decision(decision_id=skip.pk, reviewer="anna")
    assert list(list_items().in_order()) == [first, second]


def test_two_reviewers_are_asked_without_a_word_of_the_other_where_that_was_drawn(
    item: ReviewItem,
):
    ReviewItem.objects.update(wanted=2)
    decide(item_id=item.pk, reviewer="anna", word=said("accept"))
    item.refresh_from_db()
    assert (item.state, tags_of(item)[DOG]) == ("open", "accept")
    with pytest.raises(ItemClosedError):
        decide(item_id=item.pk, reviewer="anna", word=said("accept"))

    decide(item_id=item.pk, reviewer="ben", word=said("reject"))
    item.refresh_from_db()
    assert (item.state, tags_of(item)[DOG]) == ("open", "accept")

    decide(item_id=item.pk, reviewer="cleo", word=said("replace", "Fox"))
    item.refresh_from_db()
    assert (item.state, item.verdict) == ("decided", "wrong")
    assert DOG not in tags_of(item)


def test_an_item_with_a_first_opinion_outlives_its_tag(
    item: ReviewItem, classifier: ClassifierVersion
):
    ReviewItem.objects.update(wanted=2)
    decide(item_id=item.pk, reviewer="anna", word=said("reject"))
    refresh_files(file_ids=[item.file_id])

    assert lease_items(items=list_items(), reviewer="ben") == [item]


def test_the_word_of_another_item_stands_when_one_that_said_the_same_is_taken_back(
    library: Library, classifier: ClassifierVersion
):
    file = hear(library, classifier, 0.01, 0.2, 0.2)
    derive([file], classifier)
    ReviewItem.objects.update(wanted=1)
    dog, bell = ReviewItem.objects.get(name=DOG), ReviewItem.objects.get(name=BELL)
    first = decide(item_id=dog.pk, reviewer="anna", word=said("replace", "Fox"))
    decide(item_id=bell.pk, reviewer="anna", word=said("replace", "Fox"))

    undo_decision(decision_id=first.pk, reviewer="anna")

    assert {name: what for name, what in tags_of(dog).items() if name in {DOG, BELL, "Fox"}} == {
        DOG: "review",
        "Fox": "accept",
    }


def test_nobody_decides_what_somebody_else_holds(item: ReviewItem):
    [held] = lease_items(items=list_items(), reviewer="anna")

    with pytest.raises(ItemHeldError):
        decide(item_id=item.pk, reviewer="ben", word=said("accept"))
    assert not lease_items(items=list_items(), reviewer="ben")
    with pytest.raises(LeaseLostError):
        decide(item_id=item.pk, reviewer="ben", word=said("accept"), attempt=held.attempts)

    assert release_lease(lease=Lease(item.pk, held.attempts), reviewer="anna")
    decide(item_id=item.pk, reviewer="ben", word=said("accept"))
    with pytest.raises(ItemClosedError):
        decide(item_id=item.pk, reviewer="anna", word=said("accept"))


def test_a_hold_ends_by_itself_and_the_old_one_counts_no_more(item: ReviewItem):
    [old] = lease_items(items=list_items(), reviewer="anna")
    old_lease = Lease(item.pk, old.attempts)
    ReviewItem.objects.update(lease_until=old.created_at)

    [new] = lease_items(items=list_items(), reviewer="ben")

    assert new.attempts == old.attempts + 1
    with pytest.raises(LeaseLostError):
        renew_lease(lease=old_lease, reviewer="anna")
    with pytest.raises(LeaseLostError):
        decide(item_id=item.pk, reviewer="anna", word=said("accept"), attempt=old.attempts)
    assert not release_lease(lease=old_lease, reviewer="anna")
    assert renew_lease(lease=Lease(item.pk, new.attempts), reviewer="ben").holder == "ben"
    decide(item_id=item.pk, reviewer="ben", word=said("accept"), attempt=new.attempts)


def test_who_asks_again_gets_what_they_hold(library: Library, classifier: ClassifierVersion):
    unsure_of(library, classifier, number=3)

    first = lease_items(items=list_items(), reviewer="anna", limit=2)
    again = lease_items(items=list_items(), reviewer="anna", limit=2)

    assert again == first
    assert [one.attempts for one in again] == [2, 2]
    assert len(lease_items(items=list_items(), reviewer="ben", limit=2)) == 1


def test_a_file_that_is_gone_is_not_asked_about(item: ReviewItem):
    item.file.state = "missing"
    item.file.save()

    assert not lease_items(items=list_items(), reviewer="anna")


def test_sounds_that_are_nearly_the_same_are_decided_at_once_and_taken_back_at_once(
    library: Library, classifier: ClassifierVersion
):
    items = unsure_of(library, classifier, number=4, angle=10.0)
    [other] = unsure_of(library, classifier, angle=100.0)
    lease_items(items=list_items().filter(pk=items[3].pk), reviewer="ben")

    preview = preview_batch(item=items[0], reviewer="anna")
    assert ([*preview.items], preview.held) == (items[:3], 1)
    assert Decision.objects.count() == 0

    ids = [one.pk for one in items]
    result = decide_batch(item_ids=ids, reviewer="anna", word=said("reject"))
    assert len(result.decisions) == 3
    assert [(one.item_id, one.code) for one in result.left_out] == [(items[3].pk, "item_held")]
    assert list_items().open().count() == 2

    undone = undo_batch(batch=result.batch, reviewer="anna")
    assert len(undone) == 3
    assert list_items().open().count() == 5
    assert tags_of(items[0]) == tags_of(other) == {DOG: "review"}
    with pytest.raises(NothingToUndoError):
        undo_batch(batch=result.batch, reviewer="anna")


def test_a_sound_like_no_other_is_a_batch_of_its_own(item: ReviewItem):
    assert [*preview_batch(item=item, reviewer="anna").items] == [item]


@pytest.mark.parametrize(
    ("action", "words", "error"),
    [
        ("replace", (), InvalidDecisionError),
        ("accept", ("Fox",), InvalidDecisionError),
        ("undo", (), InvalidDecisionError),
        ("add", ("a, b",), InvalidWordsError),
        ("add", ("x" * 101,), InvalidWordsError),
        ("add", tuple(map(str, range(21))), InvalidDecisionError),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(
    action: str, words: tuple[str, ...], error: type[EarmarkError]
):
    with pytest.raises(error):
        said(action, *words)


def test_nothing_is_taken_back_twice_nor_what_never_was(item: ReviewItem):
    decision = decide(item_id=item.pk, reviewer="anna", word=said("accept"))
    with pytest.raises(NotYoursError):
        undo_decision(decision_id=decision.pk, reviewer="ben", anyone=False)
    undo = undo_decision(decision_id=decision.pk, reviewer="ben")

    for number in (decision.pk, undo.pk):
        with pytest.raises(NothingToUndoError):
            undo_decision(decision_id=number, reviewer="anna")
    with pytest.raises(DecisionUnknownError):
        undo_decision(decision_id=undo.pk + 1, reviewer="anna")
    with pytest.raises(DecisionUnknownError):
        undo_batch(batch="", reviewer="anna")
    with pytest.raises(ItemUnknownError):
        decide(item_id=item.pk + 1, reviewer="anna", word=said("accept"))


def test_after_an_undo_it_can_be_decided_again_by_the_same_person(item: ReviewItem):
    decision = decide(item_id=item.pk, reviewer="anna", word=said("accept"))
    undo_decision(decision_id=decision.pk, reviewer="anna")

    decide(item_id=item.pk, reviewer="anna", word=said("reject"))

    assert list(Decision.objects.order_by("pk").values_list("action", flat=True)) == [
        *("accept", "undo", "reject"),
    ]


def test_the_log_is_never_changed(item: ReviewItem):
    decision = decide(item_id=item.pk, reviewer="anna", word=said("accept"))

    with pytest.raises(AppendOnlyError):
        decision.save()
    with pytest.raises(AppendOnlyError):
        decision.delete()
    with pytest.raises(AppendOnlyError):
        Decision.objects.update(reviewer="ben")
    with pytest.raises(AppendOnlyError):
        Decision.objects.all().delete()
    for statement in (
        "UPDATE review_decision SET reviewer = 'ben'",
        "DELETE FROM review_decision",
    ):
        with (
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert Decision.objects.get().reviewer == "anna"


def test_the_log_outlives_the_library(item: ReviewItem):
    decision = decide(item_id=item.pk, reviewer="anna", word=said("accept"))

    item.library.delete()

    kept = Decision.objects.get()
    assert (kept.library, kept.path, kept.name, kept.score) == ("Foley", item.file.path, DOG, 0.2)
    with pytest.raises(NothingToUndoError):
        undo_decision(decision_id=decision.pk, reviewer="anna")


def test_a_file_that_earmark_keeps_up_is_written_again(
    library: Library, classifier: ClassifierVersion
):
    kept, other = unsure_of(library, classifier, number=2)
    write = begin_write(file_id=kept.file_id, tags_key="before", plan={})
    record_write(write_id=write.pk, outcome=WriteOutcome(TagWrite.State.WRITTEN, 1, 1))

    decision = decide(item_id=kept.pk, reviewer="anna", word=said("accept"))
    decide(item_id=other.pk, reviewer="anna", word=said("accept"))

    request = WriteRequest.objects.get()
    key = TagSet.objects.get(file=kept.file_id).tags_key
    assert (request.file_id, request.tags_key) == (kept.file_id, key)
    undo_decision(decision_id=decision.pk, reviewer="anna")
    request.refresh_from_db()
    assert request.tags_key == TagSet.objects.get(file=kept.file_id).tags_key != key
