"""A run of chosen files that writes does so into these files and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs import selection
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection
from earmark.jobs.services import claim_jobs, submit_run
from earmark.library.models import AudioFile, Library
from earmark.tagging.rules import Rules, rules_for
from earmark.tagging.services import derive_file_tags
from earmark.writeback.models import WriteRequest
from earmark_workers.pipeline.run_tags import RunTags
from tests.factories import AudioFileFactory, ClassifierVersionFactory, LibraryFactory, work_off

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

HEARD = ("Rain/a.wav", "Rain/b.wav", "door.wav")


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory()


@pytest.fixture
def library(classifier: ClassifierVersion) -> Library:
    """Three files that were heard and tagged, and are not written."""
    library = LibraryFactory()
    for path in HEARD:
        AudioFileFactory(library=library, path=path)
    submit_run(library=library, classifiers=[classifier])
    listen(classifier)
    derive_file_tags(files=list(AudioFile.objects.all()), rules=rules(library, classifier))
    return library


def rules(library: Library, classifier: ClassifierVersion) -> Rules:
    return rules_for(library, [classifier])


def listen(classifier: ClassifierVersion) -> None:
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=9), 0.01, 0.9, 0.01)


def written_by(
    library: Library, classifier: ClassifierVersion, chosen: Selection, limit: int | None = None
) -> list[str]:
    """Do a run to its end and return the files that are to be written then."""
    run = submit_run(
        library=library,
        classifiers=[classifier],
        selection=chosen,
        options={"write": True, Run.FOLLOW_UP: True},
        limit=limit,
        keep_empty=True,
    )
    assert run is not None
    listen(classifier)
    assert RunTags().follow_up(run, bool)
    asked = WriteRequest.objects.filter(run=run).order_by("file__path")
    return list(asked.values_list("file__path", flat=True))


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (Selection(), [*HEARD]),
        (Selection(query="status:new"), []),
        (Selection(query="path:rain"), [*HEARD[:2]]),
        (Selection(told={"search": {"q": "rain"}}), []),
    ],
)
def test_words_choose_what_is_written(
    library: Library, classifier: ClassifierVersion, chosen: Selection, wanted: list[str]
):
    assert written_by(library, classifier, chosen) == wanted


def test_what_was_new_is_written_though_it_is_not_new_any_more(
    library: Library, classifier: ClassifierVersion
):
    AudioFileFactory(library=library, path="new.wav", audio_hash="")

    assert written_by(library, classifier, Selection(query="status:new")) == ["new.wav"]


def test_named_files_are_written_however_many_a_run_tells_of(
    library: Library, classifier: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(selection, "_KEPT_IDS", 1)
    named = AudioFile.objects.filter(path__in=HEARD[1:])
    ids = list(named.values_list("pk", flat=True))

    assert written_by(library, classifier, Selection(file_ids=ids)) == [*HEARD[1:]]
    assert Run.objects.latest("pk").selection["files"] == 2


def test_a_limit_is_one_for_writing_too(
    library: Library, classifier: ClassifierVersion, tmp_path: Path
):
    for path in ("new 1.wav", "new 2.wav"):
        AudioFileFactory(library=library, path=path, audio_hash="")

    assert written_by(library, classifier, Selection(), limit=1) == ["new 1.wav"]
