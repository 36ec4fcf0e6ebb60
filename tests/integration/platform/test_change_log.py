"""Whatever changes watched rows, by whatever way, is noted once, with the change or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from earmark.core import change_log
from earmark.core.change_log import ChangeLog, are_change_logs_kept, install_change_logs
from earmark.core.change_triggers import Source, drop_trigger
from earmark.core.database import ensure_migrated
from earmark.library.models import AudioFile, Library
from earmark.search.change_log import FILES
from earmark.search.models import SearchChange
from earmark.tagging.models import Tag
from tests.factories import AudioFileFactory, LibraryFactory

pytestmark = pytest.mark.django_db

FIRST = "(SELECT min(id) FROM library_audiofile)"
SECOND = "(SELECT max(id) FROM library_audiofile)"


def tag(file: AudioFile, name: str = "Dog", origin: str = "classifier") -> Tag:
    return Tag(file=file, name=name, origin=origin, created_at=timezone.now())


def noted() -> list[int]:
    return sorted(SearchChange.objects.values_list("file_id", flat=True))


@pytest.fixture
def files() -> list[AudioFile]:
    """Two files with a tag each, and nothing noted."""
    library = LibraryFactory()
    made = [AudioFileFactory(library=library) for _ in range(2)]
    Tag.objects.bulk_create([tag(file) for file in made])
    SearchChange.objects.all().delete()
    return made


def raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        (lambda files: tag(files[0], "Bark").save(), {0}),
        (lambda files: Tag.objects.filter(file=files[1]).update(decision="drop"), {1}),
        (lambda files: Tag.objects.all().delete(), {0, 1}),
        (lambda files: Tag.objects.all()._raw_delete("default"), {0, 1}),
        (
            lambda files: Tag.objects.bulk_create(
                [tag(file, name, "person") for file in files for name in ("Dog", "Bark")],
                update_conflicts=True,
                unique_fields=["file", "name"],
                update_fields=["origin"],
            ),
            {0, 1},
        ),
        (lambda files: raw("UPDATE tagging_tag SET name = 'Cat'"), {0, 1}),
        (
            lambda files: raw(
                f"UPDATE tagging_tag SET name = 'Cat', file_id = {SECOND} WHERE file_id = {FIRST}"
            ),
            {0, 1},
        ),
        (lambda files: files[1].delete(), {1}),
        (lambda files: Library.objects.all().delete(), {0, 1}),
        (lambda files: raw("UPDATE tagging_tag SET why = '{}', label = 'other'"), set()),
        (lambda files: Tag.objects.update(confidence=None, name="Dog"), set()),
        (lambda files: AudioFile.objects.update(last_seen_at=timezone.now(), size=7), set()),
    ],
    ids=[
        *("save", "update", "delete", "delete in bulk", "upsert", "raw sql", "moved", "cascade"),
        *("cascade of a library", "other columns", "same values", "seen again"),
    ],
)
def test_each_way_to_change_a_row_is_noted_once_for_a_file(
    change: Callable[[list[AudioFile]], object], about: set[int], files: list[AudioFile]
) -> None:
    ids = [file.pk for file in files]
    change(files)
    assert noted() == [ids[at] for at in sorted(about)]


def test_notes_do_not_pile_up_while_nobody_takes_them(files: list[AudioFile]) -> None:
    for number in range(3):
        Tag.objects.bulk_create([tag(file, f"Bark {number}") for file in files])
        AudioFile.objects.update(mtime_ns=number)
    assert noted() == [file.pk for file in files]


def test_a_note_goes_with_a_change_that_is_taken_back(files: list[AudioFile]) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        tag(files[0], "Bark").save()
        raise RuntimeError
    tag(files[1], "Bark").save()
    assert noted() == [files[1].pk]


def test_exactly_the_notes_that_were_read_are_taken_away_and_with_what_heeds_them_or_not(
    files: list[AudioFile],
) -> None:
    for file in files:
        Tag.objects.filter(file=file).update(name="Bark")
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        assert FILES.take(1) == {files[0].pk}
        raise KeyboardInterrupt
    with transaction.atomic():
        assert FILES.take(1) == {files[0].pk}
        tag(files[0], "Growl").save()
    assert FILES.take(500) == {file.pk for file in files}
    assert FILES.take(500) == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="there is one writer at a time")
def test_who_writes_and_who_takes_notes_at_once_neither_wait_nor_miss_anything(
    files: list[AudioFile],
) -> None:
    Tag.objects.filter(file=files[0]).update(name="Bark")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
            with transaction.atomic():
                assert FILES.take(500) == {files[0].pk}
                cursor.execute(f"UPDATE tagging_tag SET name = 'Growl' WHERE file_id = {FIRST}")
            assert noted() == [files[0].pk]  # that was read before the second change

            cursor.execute("BEGIN")
            cursor.execute(f"UPDATE tagging_tag SET name = 'Yap' WHERE file_id = {FIRST}")
            with transaction.atomic():
                assert FILES.take(500) == set()  # the second change is not to be seen yet
            cursor.execute("COMMIT")
    finally:
        other.close()
    assert noted() == [files[0].pk]
    with transaction.atomic():
        assert FILES.take(500) == {files[0].pk}


def _drop_one() -> None:
    raw(drop_trigger(connection.vendor, min(FILES._standing())))


@pytest.mark.parametrize("lose", [_drop_one, FILES.remove], ids=["one", "all"])
def test_where_a_trigger_was_missing_everything_counts_as_changed_once(
    lose: Callable[[], None], files: list[AudioFile]
) -> None:
    install_change_logs()
    assert noted() == []
    lose()
    assert not are_change_logs_kept()
    install_change_logs()
    assert noted() == [file.pk for file in files]
    SearchChange.objects.all().delete()
    install_change_logs()
    assert noted() == []
    tag(files[0], "Bark").save()
    assert noted() == [files[0].pk]


def test_a_kill_at_the_end_of_migrate_is_made_good_by_the_next_command(
    files: list[AudioFile], data_dir: object
) -> None:
    FILES.remove()
    ensure_migrated()
    assert are_change_logs_kept()
    assert noted() == [file.pk for file in files]


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what has another declaration looked after instead of that of the search."""

    def keep(**other: Any) -> None:
        declared = {name: getattr(FILES, name) for name in ("model", "column", "everything")}
        log = ChangeLog(**{**declared, "sources": FILES.sources, **other})
        monkeypatch.setattr(change_log, "_kept", [log])
        install_change_logs()

    yield keep


def test_triggers_by_another_declaration_are_replaced(
    instead: Callable[..., None], files: list[AudioFile]
) -> None:
    instead(sources=(Source("tagging_tag", "file_id", ("label",)),))
    assert noted() == [file.pk for file in files]
    SearchChange.objects.all().delete()
    Tag.objects.update(name="Bark")
    assert noted() == []
    Tag.objects.filter(file=files[1]).update(label="Bark")
    assert noted() == [files[1].pk]


def test_a_table_that_matters_no_more_is_not_watched_and_nothing_counts_as_changed(
    instead: Callable[..., None], files: list[AudioFile]
) -> None:
    instead(sources=FILES.sources[:1])
    assert are_change_logs_kept()
    Tag.objects.update(name="Bark")
    assert noted() == []
    AudioFile.objects.filter(pk=files[0].pk).update(path="moved.wav")
    assert noted() == [files[0].pk]


def test_where_a_table_is_missing_no_trigger_is_left_to_fail_whoever_writes(
    instead: Callable[..., None], files: list[AudioFile]
) -> None:
    instead(sources=(*FILES.sources, Source("still_to_come", "id", ("name",))))
    assert not FILES._standing()
    tag(files[0], "Bark").save()
    assert noted() == []
