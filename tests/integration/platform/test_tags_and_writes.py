"""Tags are stored with their reasons, written once, and every write can be undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.services import submit_run
from earmark.library.models import AudioFile, Library
from earmark.library.services import scan_library
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import Tag, TagSet
from earmark.tagging.rules import Rules
from earmark.tagging.selectors import get_policy, get_tags, list_files_to_derive
from earmark.tagging.services import derive_file_tags
from earmark.writeback.errors import NothingToUndoError
from earmark.writeback.models import TagWrite
from earmark.writeback.selectors import list_files_to_write, list_unknown_writes
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from earmark.writeback.undoing import undo_write
from earmark_files.metadata import ConflictError, Policy, apply, plan_write
from earmark_files.metadata import TagSet as FileTagSet
from tests.factories import ClassifierVersionFactory, make_classified_library

pytestmark = pytest.mark.django_db


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory()


@pytest.fixture
def library(tmp_path: Path, classifier: ClassifierVersion) -> Library:
    """Two files, classified: speech for sure, a dog perhaps."""
    return make_classified_library(tmp_path, classifier, "a.wav", "b.wav", scores=(0.9, 0.15, 0.01))


def derive(library: Library, classifier: ClassifierVersion, policy: TagPolicy) -> str:
    rules = Rules((classifier,), policy)
    files = list_files_to_derive(library=library, classifiers=[classifier], basis=rules.basis)
    derive_file_tags(files=files, rules=rules)
    return rules.basis


def write(file: AudioFile, *words: str) -> TagWrite:
    """Write words into a file as a worker does."""
    plan = plan_write(file.location, FileTagSet(keywords=words), Policy.replace_own())
    row = begin_write(
        file_id=file.pk,
        tags_key=file.tag_set.tags_key,
        plan={"changes": len(plan.changes)},
        undo=plan.undo.to_json(),
    )
    apply(plan)
    status = file.location.stat()
    outcome = WriteOutcome(TagWrite.State.WRITTEN, status.st_size, status.st_mtime_ns)
    record_write(write_id=row.pk, outcome=outcome)
    row.refresh_from_db()
    return row


def test_the_undo_record_of_the_intention_outlives_the_outcome(
    library: Library, classifier: ClassifierVersion
):
    derive(library, classifier, get_policy(library=library))
    file = AudioFile.objects.select_related("tag_set").get(path="a.wav")
    kept, replaced = (
        begin_write(file_id=file.pk, tags_key=file.tag_set.tags_key, plan={}, undo={"old": "x"})
        for _ in range(2)
    )

    outcome = WriteOutcome(TagWrite.State.WRITTEN, 7, 8)
    record_write(write_id=kept.pk, outcome=outcome)
    record_write(write_id=replaced.pk, outcome=replace(outcome, undo={"new": "y"}))

    assert TagWrite.objects.get(pk=kept.pk).undo == {"old": "x"}
    assert TagWrite.objects.get(pk=replaced.pk).undo == {"new": "y"}
    file.refresh_from_db()
    assert (file.size, file.mtime_ns) == (7, 8)


def test_tags_come_with_decision_and_reason(library: Library, classifier: ClassifierVersion):
    derive(library, classifier, get_policy(library=library))

    file = AudioFile.objects.get(path="a.wav")
    tags = get_tags(file_ids=[file.pk])[file.pk]
    by_label = {tag.label: tag for tag in tags if tag.origin == "classifier"}
    assert by_label["Dog"].decision == Tag.Decision.REVIEW
    speech = by_label["Male speech, man speaking"]
    assert (speech.decision, speech.confidence, speech.mid) == ("accept", 0.9, "/m/05zppz")
    assert speech.why["votes"] == [[classifier.identity, 0.9, None, None]]
    assert tags == sorted(tags, key=lambda tag: -tag.confidence)
    assert set(Tag.objects.accepted().filter(file=file)) < set(tags)


def test_nothing_is_derived_again_on_the_same_basis(
    library: Library, classifier: ClassifierVersion
):
    policy = get_policy(library=library)
    basis = derive(library, classifier, policy)

    def waiting(basis: str) -> int:
        return len(list_files_to_derive(library=library, classifiers=[classifier], basis=basis))

    assert waiting(basis) == 0
    other = Rules((classifier,), TagPolicy.with_threshold(0.1))
    assert waiting(other.basis) == 2


def test_another_threshold_replaces_the_tags(library: Library, classifier: ClassifierVersion):
    derive(library, classifier, get_policy(library=library))
    before = set(TagSet.objects.values_list("tags_key", flat=True))

    derive(library, classifier, get_policy(library=library, threshold=0.1))

    assert Tag.objects.get(file__path="a.wav", label="Dog").decision == Tag.Decision.ACCEPT
    assert TagSet.objects.count() == 2
    assert before.isdisjoint(TagSet.objects.values_list("tags_key", flat=True))


def test_what_is_written_is_not_written_again_until_tags_or_file_change(
    library: Library, classifier: ClassifierVersion
):
    policy = get_policy(library=library)
    basis = derive(library, classifier, policy)

    def waiting() -> list[str]:
        return [file.path for file in list_files_to_write(library=library, basis=basis)]

    assert waiting() == ["a.wav", "b.wav"]
    file = AudioFile.objects.select_related("library", "tag_set").get(path="a.wav")
    write(file, "speech")
    assert waiting() == ["b.wav"]
    assert scan_library(library=library).changed == 0

    with file.location.open("ab") as sound:
        sound.write(b"LIST\x04\0\0\0adtl")
    scan_library(library=library)
    submit_run(library=library, classifiers=[classifier])
    AudioFile.objects.filter(path="a.wav").update(
        audio_hash=TagSet.objects.get(file=file).audio_hash
    )
    assert waiting() == ["a.wav", "b.wav"]

    basis = derive(library, classifier, get_policy(library=library, threshold=0.1))
    assert waiting() == ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    ("state", "code", "again"),
    [
        (TagWrite.State.UNCHANGED, "", False),
        (TagWrite.State.REFUSED, "malformed_file", False),
        (TagWrite.State.FAILED, "no_space", True),
    ],
)
def test_what_failed_for_want_of_space_is_tried_again_but_a_refusal_stands(
    library: Library, classifier: ClassifierVersion, state: str, code: str, again: bool
):
    basis = derive(library, classifier, get_policy(library=library))
    file = AudioFile.objects.select_related("tag_set").get(path="a.wav")
    row = begin_write(file_id=file.pk, tags_key=file.tag_set.tags_key, plan={})
    assert list(list_unknown_writes()) == [row]

    record_write(
        write_id=row.pk,
        outcome=WriteOutcome(TagWrite.State(state), file.size, file.mtime_ns, code=code),
    )

    paths = [file.path for file in list_files_to_write(library=library, basis=basis)]
    assert ("a.wav" in paths) is again
    assert list(list_unknown_writes()) == []


def test_a_write_is_undone_byte_for_byte_and_not_repeated(
    library: Library, classifier: ClassifierVersion
):
    basis = derive(library, classifier, get_policy(library=library))
    file = AudioFile.objects.select_related("library", "tag_set").get(path="a.wav")
    original = file.location.read_bytes()
    row = write(file, "speech")
    assert file.location.read_bytes() != original

    undone = undo_write(write_id=row.pk)

    assert file.location.read_bytes() == original
    assert undone.state == TagWrite.State.UNDONE
    assert scan_library(library=library).changed == 0
    paths = [file.path for file in list_files_to_write(library=library, basis=basis)]
    assert paths == ["b.wav"]
    with pytest.raises(NothingToUndoError):
        undo_write(write_id=row.pk)


def test_a_write_is_undone_where_the_file_is_now(library: Library, classifier: ClassifierVersion):
    derive(library, classifier, get_policy(library=library))
    file = AudioFile.objects.select_related("library", "tag_set").get(path="a.wav")
    original = file.location.read_bytes()
    row = write(file, "speech")
    file.location.rename(file.location.with_name("new name.wav"))
    scan_library(library=library)
    new = AudioFile.objects.get(path="new name.wav")
    TagWrite.objects.filter(pk=row.pk).update(file=new)

    undo_write(write_id=row.pk)

    assert new.location.read_bytes() == original


def test_a_write_is_not_undone_when_somebody_changed_the_file_since(
    library: Library, classifier: ClassifierVersion
):
    derive(library, classifier, get_policy(library=library))
    file = AudioFile.objects.select_related("library", "tag_set").get(path="a.wav")
    row = write(file, "speech")
    apply(plan_write(file.location, FileTagSet(keywords=("mine",)), Policy.merge_keywords()))
    content = file.location.read_bytes()

    with pytest.raises(ConflictError):
        undo_write(write_id=row.pk)

    assert file.location.read_bytes() == content
    row.refresh_from_db()
    assert row.state == TagWrite.State.WRITTEN
