"""The index follows whatever changes a file, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from earmark.core.change_log import install_change_logs
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile, Library
from earmark.search.change_log import FILES
from earmark.search.models import (
    DocumentTerms,
    EmbeddingChange,
    EmbeddingRow,
    SearchChange,
    SearchDocument,
    SearchTerm,
)
from earmark.search.services import index_changes, indexing, rebuild_index
from earmark.tagging.models import FileEvidence, Tag, TagSet
from tests.factories import AudioFileFactory, ClassifierVersionFactory

pytestmark = pytest.mark.django_db


def count_of(text: str, kind: str = "tag") -> int:
    row = SearchTerm.objects.filter(kind=kind, text=text).first()
    return row.files if row else 0


def test_a_new_file_is_in_the_index_after_the_next_turn(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    file = add("Rain/On Roof.wav", ("Rain", 0.9), catid="RAINMetl", duration=2.5)
    assert not SearchDocument.objects.filter(file_id=file.pk).exists()
    indexed()
    row = SearchDocument.objects.get(file_id=file.pk)
    assert (row.sort_name, row.duration, row.catid) == ("on roof.wav", 2.5, "RAINMetl")
    assert not SearchChange.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda file: AudioFile.objects.filter(pk=file.pk).update(path="Other/Name.wav"),
        lambda file: AudioFile.objects.filter(pk=file.pk).update(state="missing"),
        lambda file: TagSet.objects.filter(file=file).update(search_words="Rain\nStorm"),
        lambda file: TagSet.objects.filter(file=file).update(catid="ANMLDog"),
        lambda file: Tag.objects.filter(file=file).update(decision="drop"),
        lambda file: Tag.objects.filter(file=file).delete(),
        lambda file: FileEvidence.objects.create(
            file=file, said={"keywords": ["thunder"]}, read_at=file.first_seen_at
        ),
    ],
    ids=["path", "state", "words", "category", "decision", "tag removed", "keywords"],
)
def test_what_people_search_for_is_noted_whoever_changes_it(
    change: Callable[[AudioFile], object],
    add: Callable[..., AudioFile],
    indexed: Callable[[], None],
) -> None:
    file = add("Rain/On Roof.wav", ("Rain", 0.9))
    indexed()
    before = SearchDocument.objects.get(file_id=file.pk).content_key
    change(file)
    assert SearchChange.objects.filter(file_id=file.pk).exists()
    indexed()
    assert SearchDocument.objects.get(file_id=file.pk).content_key != before


def test_what_nobody_searches_for_is_not_noted(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    indexed()
    AudioFile.objects.filter(pk=file.pk).update(last_seen_at=file.first_seen_at, size=1)
    TagSet.objects.filter(file=file).update(results=2)
    assert not SearchChange.objects.exists()


def test_a_change_that_was_rolled_back_leaves_no_note(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    file = add("Rain.wav")
    indexed()
    with pytest.raises(RuntimeError), transaction.atomic():
        AudioFile.objects.filter(pk=file.pk).update(path="Snow.wav")
        raise RuntimeError
    assert not SearchChange.objects.exists()


def test_files_that_go_take_their_counts_with_them(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    kept = add("Rain A.wav", ("Rain", 0.9))
    gone = add("Rain B.wav", ("Rain", 0.8), ("Thunder", 0.7))
    indexed()
    assert (count_of("Rain"), count_of("Thunder"), count_of("rain", "word")) == (2, 1, 2)
    gone.delete()
    indexed()
    assert (count_of("Rain"), count_of("Thunder"), count_of("rain", "word")) == (1, 0, 1)
    assert list(SearchDocument.objects.values_list("file_id", flat=True)) == [kept.pk]
    assert DocumentTerms.objects.count() == 1


def test_an_indexer_killed_before_its_commit_has_neither_lost_nor_counted_anything(
    add: Callable[..., AudioFile],
    indexed: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add("Rain.wav", ("Rain", 0.9))

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_count_terms", kill)
        with pytest.raises(Killed):
            index_changes()
    assert SearchChange.objects.exists()
    indexed()
    indexed()
    assert count_of("Rain") == 1


def test_an_unchanged_file_is_not_written_again(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    indexed()
    AudioFile.objects.filter(pk=file.pk).update(path="Other.wav")
    AudioFile.objects.filter(pk=file.pk).update(path="Rain.wav")
    done = index_changes()
    assert (done.files, done.written) == (1, 0)


def test_a_rebuild_mends_a_damaged_index(
    add: Callable[..., AudioFile], indexed: Callable[[], None]
) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    indexed()
    SearchDocument.objects.filter(file_id=file.pk).update(sort_name="damaged")
    rebuild_index()
    assert SearchDocument.objects.get(file_id=file.pk).sort_name == "rain.wav"
    assert count_of("Rain") == 1


def test_a_trigger_that_a_migration_dropped_is_made_again_and_everything_looked_at(
    library: Library, indexed: Callable[[], None]
) -> None:
    indexed()
    FILES.remove()
    file = AudioFileFactory(library=library, path="Unseen.wav")
    assert not SearchChange.objects.exists()
    install_change_logs()
    indexed()
    assert SearchDocument.objects.filter(file_id=file.pk).exists()


def test_an_embedding_that_was_stored_gets_a_row_which_goes_with_it(
    library: Library, indexed: Callable[[], None]
) -> None:
    classifier = ClassifierVersionFactory()
    said = [
        PredictionSet.objects.create(
            classifier=classifier, audio_hash=f"test:{number}", scores=[], embedding=embedding
        )
        for number, embedding in enumerate((b"\0\0", None))
    ]
    assert list(EmbeddingChange.objects.values_list("prediction_set_id", flat=True)) == [said[0].pk]
    indexed()
    [first] = EmbeddingRow.objects.all()
    PredictionSet.objects.update(embedding=b"\1\1")
    indexed()
    assert set(EmbeddingRow.objects.values_list("prediction_set_id", flat=True)) == {
        one.pk for one in said
    }
    assert not EmbeddingRow.objects.filter(pk=first.pk).exists()
    PredictionSet.objects.all().delete()
    indexed()
    assert not EmbeddingRow.objects.exists()
