"""What a person says about the words of a file is kept, heeded ever after, and undone at will."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.services import claim_jobs, submit_run
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.tagging.errors import (
    ChangeUndoneError,
    InvalidWordsError,
    TagsChangedError,
    TagsOutdatedError,
)
from earmark.tagging.explaining import explain
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import Tag, TagBasis, TagChange, TagSet
from earmark.tagging.rules import rules_for
from earmark.tagging.selectors import list_files_to_derive
from earmark.tagging.services import (
    Words,
    change_tags,
    derive_file_tags,
    plan_rederivation,
    set_file_tags,
    set_policy,
    undo_change,
    undo_changes,
)
from earmark.tagging.services import deriving as deriving_module
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    make_classified_library,
    make_sound,
    work_off,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory()


@pytest.fixture
def library(tmp_path: Path, classifier: ClassifierVersion) -> Library:
    """Two tagged files: speech for sure, a dog perhaps, a bell hardly."""
    library = make_classified_library(
        tmp_path, classifier, "a.wav", "b.wav", scores=(0.9, 0.15, 0.01)
    )
    derive(library, classifier)
    return library


@pytest.fixture
def file(library: Library) -> AudioFile:
    return AudioFile.objects.select_related("library").get(path="a.wav")


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna")


def derive(library: Library, classifier: ClassifierVersion) -> None:
    rules = rules_for(library, [classifier])
    files = list_files_to_derive(library=library, classifiers=[classifier], basis=rules.basis)
    derive_file_tags(files=files, rules=rules)


def words_of(file: AudioFile) -> set[str]:
    """Return the words that belong into the file."""
    return set(Tag.objects.accepted().filter(file=file).values_list("name", flat=True))


def rows_of(file: AudioFile) -> list[tuple[object, ...]]:
    columns = ("name", "confidence", "decision", "label", "mid", "origin", "why")
    return list(Tag.objects.filter(file=file).order_by("pk").values_list(*columns))


def version_of(file: AudioFile) -> int:
    return TagSet.objects.get(file=file).version


def test_a_word_that_a_person_adds_is_a_tag_with_its_reason(file: AudioFile, anna: User):
    change = set_file_tags(file=file, add=["Old tape"], by=anna, comment="I was there")

    tag = Tag.objects.get(file=file, name="Old tape")
    assert (tag.origin, tag.decision, tag.confidence, tag.mid) == ("person", "accept", 1.0, "")
    assert tag.why["rule"] == "said-by-a-person"
    assert (tag.why["person"]["by"], tag.why["person"]["comment"]) == ("anna", "I was there")
    assert tag.why["person"]["change"] == change.pk
    assert (change.by, change.by_name, change.words) == (anna, "anna", {"add": ["Old tape"]})


def test_a_label_that_waited_is_accepted_with_its_words_when_a_person_says_so(file: AudioFile):
    assert "Dog" not in words_of(file)
    set_file_tags(file=file, add=["dog"], by="anna")

    tag = Tag.objects.get(file=file, mid="/m/0bt9lr", origin="person")
    assert (tag.name, tag.decision, tag.confidence) == ("dog", "accept", 1.0)
    assert tag.why["votes"][0][1] == 0.15
    assert "dog" in TagSet.objects.get(file=file).search_words.splitlines()
    assert "Animal" in TagSet.objects.get(file=file).search_words


def test_a_word_nobody_heard_is_found_under_what_lies_above_its_label(file: AudioFile):
    set_file_tags(file=file, add=["Cat"], by="anna")
    tag = Tag.objects.get(file=file, name="Cat")
    assert (tag.label, tag.mid, tag.why["votes"]) == ("Cat", "/m/01yrx", [])
    assert "Animal" in TagSet.objects.get(file=file).search_words


def test_what_replaces_all_words_is_all_there_is(
    library: Library, file: AudioFile, classifier: ClassifierVersion
):
    set_file_tags(file=file, replace=["Gate", "Squeak"], by="anna")
    assert words_of(file) == {"Gate", "Squeak"}
    assert not Tag.objects.filter(file=file, decision="review").exists()

    set_policy(policy=TagPolicy.with_threshold(0.01), library=library)
    derive(library, classifier)
    assert words_of(file) == {"Gate", "Squeak"}

    set_file_tags(file=file, add=["Night"], remove=["Gate"], by="anna")
    assert words_of(file) == {"Squeak", "Night"}


def test_no_derivation_forgets_what_people_said(
    library: Library, file: AudioFile, classifier: ClassifierVersion
):
    set_file_tags(file=file, add=["Old tape"], remove=["Male speech"], by="anna")
    set_policy(policy=TagPolicy.with_threshold(0.1), library=library)
    for plan in plan_rederivation(library=library):
        list(plan.work())
    assert "Old tape" in words_of(file)
    assert "Male speech" not in words_of(file)
    assert "Dog" in words_of(file)

    other = ClassifierVersionFactory()
    submit_run(library=library, classifiers=[other])
    work_off(claim_jobs(classifiers=[other], worker="w", limit=9), 0.95, 0.0, 0.9)
    derive(library, other)
    assert "Old tape" in words_of(file)
    assert "Male speech" not in words_of(file)
    assert "Bell" in words_of(file)


def test_changes_are_undone_in_any_order(file: AudioFile):
    before, key = rows_of(file), TagSet.objects.get(file=file).tags_key
    first = set_file_tags(file=file, add=["Gate"], by="anna")
    second = set_file_tags(file=file, add=["Squeak"], remove=["Gate"], by="ben")

    undo_change(change=first, by="ben")
    assert {"Squeak"} <= words_of(file)
    assert "Gate" not in words_of(file)
    undo_change(change=second, by="ben")

    assert rows_of(file) == before
    assert TagSet.objects.get(file=file).tags_key == key
    first.refresh_from_db()
    assert first.undone_by_name == "ben"
    with pytest.raises(ChangeUndoneError):
        undo_change(change=first, by="anna")


def test_a_withdrawn_word_is_left_to_the_rules_again(file: AudioFile):
    before = words_of(file)
    set_file_tags(file=file, add=["dog", "Gate"], remove=["Male speech"], by="anna")
    set_file_tags(file=file, withdraw=["Dog", "gate", "male speech"], by="anna")
    assert words_of(file) == before


def test_what_two_people_said_stands_when_one_of_them_takes_it_back(file: AudioFile):
    first = set_file_tags(file=file, add=["Gate"], by="anna")
    set_file_tags(file=file, add=["Gate"], by="ben")
    undo_change(change=first, by="anna")
    assert Tag.objects.get(file=file, name="Gate").why["person"]["by"] == "ben"


def test_a_file_nobody_has_listened_to_can_have_words(library: Library):
    file = AudioFileFactory(library=library, path="unheard.wav")
    change = set_file_tags(file=file, add=["Gate"], by="anna", expected_version=0)
    assert words_of(file) == {"Gate"}
    assert (TagSet.objects.get(file=file).results, version_of(file)) == (0, 1)
    undo_change(change=change, by="anna")
    assert words_of(file) == set()


def test_words_of_before_stay_when_the_file_is_heard_for_the_first_time(
    tmp_path: Path, classifier: ClassifierVersion
):
    make_sound(tmp_path / "new.wav", seed=7)
    library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    file = AudioFile.objects.get()
    set_file_tags(file=file, add=["Gate"], by="anna")
    submit_run(library=library, classifiers=[classifier])
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=9), 0.9, 0.15, 0.01)
    derive(library, classifier)
    assert {"Gate", "Male speech"} <= words_of(file)


def test_two_editors_of_one_version_do_not_overwrite_each_other(file: AudioFile):
    seen = version_of(file)
    set_file_tags(file=file, add=["Gate"], by="anna", expected_version=seen)
    with pytest.raises(TagsChangedError) as told:
        set_file_tags(file=file, remove=["Gate"], by="ben", expected_version=seen)
    assert told.value.context["version"] == version_of(file) == seen + 1
    assert "Gate" in words_of(file)


def test_a_derivation_that_began_before_a_person_spoke_heeds_them_all_the_same(
    library: Library,
    file: AudioFile,
    classifier: ClassifierVersion,
    monkeypatch: pytest.MonkeyPatch,
):
    set_policy(policy=TagPolicy.with_threshold(0.2), library=library)
    lock = deriving_module.lock_files

    def speak_first(*, file_ids: list[int]) -> None:
        monkeypatch.setattr(deriving_module, "lock_files", lock)
        set_file_tags(file=file, add=["Gate"], remove=["Male speech"], by="anna")
        lock(file_ids=file_ids)

    monkeypatch.setattr(deriving_module, "lock_files", speak_first)
    derive(library, classifier)
    assert "Gate" in words_of(file)
    assert "Male speech" not in words_of(file)


def test_a_batch_is_done_once_and_undone_as_one(library: Library):
    files = list(AudioFile.objects.select_related("library").order_by("pk"))
    words = Words(add=("Gate",))
    for _ in range(2):
        change_tags(files=files, words=words, by="anna", batch="b1")
    assert TagChange.objects.filter(batch="b1").count() == 2
    assert all("Gate" in words_of(file) for file in files)
    undone = undo_changes(changes=list(TagChange.objects.filter(batch="b1")), by="anna")
    assert len(undone) == 2
    assert not any("Gate" in words_of(file) for file in files)
    change_tags(files=files, words=words, by="anna", batch="b1")
    assert not any("Gate" in words_of(file) for file in files)


def test_changes_of_many_files_take_as_few_queries_as_of_two(
    library: Library, django_assert_max_num_queries
):
    more = AudioFileFactory.create_batch(20, library=library)
    with django_assert_max_num_queries(40):
        change_tags(files=more, words=Words(add=("Gate",)), by="anna")


def test_tags_on_a_forgotten_basis_are_left_as_they_are(file: AudioFile):
    TagBasis.objects.update(policy=None)
    before = rows_of(file)
    with pytest.raises(TagsOutdatedError):
        set_file_tags(file=file, add=["Gate"], by="anna")
    assert rows_of(file) == before
    assert not TagChange.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"add": ["  "]},
        {"add": ["one, two"]},
        {"add": ["bell\x07"]},
        {"add": ["x" * 101]},
        {"add": ["--"]},
        {"add": ["Gate"], "remove": ["gate"]},
        {"add": ["Gate"], "replace": ["Gate"]},
        {"add": [f"word {n}" for n in range(201)]},
    ],
    ids=str,
)
def test_words_that_cannot_be_tags_are_refused(file: AudioFile, words: dict[str, list[str]]):
    with pytest.raises(InvalidWordsError):
        set_file_tags(file=file, by="anna", **words)
    assert not TagChange.objects.exists()


def test_explain_tells_who_said_what(file: AudioFile):
    set_file_tags(file=file, add=["Gate"], remove=["Male speech"], by="anna", comment="no voice")
    told = {tag.name: tag for tag in explain(file.location).tags}
    assert told["Gate"].why.path("Gate")[-1].startswith("anna on ")
    rejected = told["Male speech"]
    assert (rejected.decision, rejected.why.rule) == ("drop", "rejected-by-a-person")
    assert rejected.why.person is not None
    assert rejected.why.person.comment == "no voice"
