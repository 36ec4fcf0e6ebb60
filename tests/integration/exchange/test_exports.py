"""Exports of real rows: what belongs to them, whose words come first, memory, the command."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.utils import timezone

from earmark.exchange.exports.formats import FORMATS
from earmark.exchange.exports.selectors import BatchReader, list_files_to_export, list_ids
from earmark.exchange.exports.services import export_files, stream_files
from earmark.jobs.models import PredictionSet
from earmark.jobs.selection import Selection
from earmark.jobs.timeline import pack_timeline
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.search.services.indexing import index_changes
from earmark.tagging.models import FileEvidence, Tag, TagBasis, TagSet
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    RunFactory,
    make_sound,
)

pytestmark = pytest.mark.django_db


def tag(file: AudioFile, name: str, confidence: float | None = 0.9, **values: object) -> Tag:
    plain = {"origin": "classifier", "label": name, "created_at": timezone.now()}
    return Tag.objects.create(file=file, name=name, confidence=confidence, **(plain | values))


def categorise(file: AudioFile, catid: str, confidence: float) -> None:
    basis, _ = TagBasis.objects.get_or_create(key="basis", rules_version=1)
    TagSet.objects.create(
        file=file,
        basis=basis,
        audio_hash="x",
        tags_key="k",
        catid=catid,
        catid_confidence=confidence,
        created_at=timezone.now(),
    )


def export(library: Library, name: str = "csv", **which: object) -> list[dict[str, str]]:
    files = list_files_to_export(files=AudioFile.objects.filter(library=library), **which)
    data = b"".join(export_files(files=files, form=FORMATS[name])).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(data, newline="")))


def test_a_file_has_a_row_with_its_tags_surest_first():
    file = AudioFileFactory(path="Dogs/a.wav", duration=2.5, container="wav")
    tag(file, "Bark", 0.7)
    tag(file, "Dog", 0.9)
    tag(file, "Hound", None, origin="synonym", label="")
    tag(file, "Wolf", 0.2, decision="review")
    tag(file, "Tree", 0.1, decision="drop")
    categorise(file, "ANMLDog", 0.95)

    (row,) = export(file.library)

    assert row["tags"] == "Dog 0.90; Bark 0.70; Hound"
    assert row["review"] == "Wolf 0.20"
    assert row["keywords"] == "Dog; Bark; Hound"
    assert row["description"] == "Dog, Bark"
    assert (row["catid"], row["category"], row["subcategory"]) == ("ANMLDog", "ANIMALS", "DOG")
    assert (row["path"], row["duration"]) == ("Dogs/a.wav", "2.5")


def test_what_people_wrote_comes_first_and_an_unsure_category_is_left_out():
    said, unsure = AudioFileFactory.create_batch(2, library=LibraryFactory())
    for file in (said, unsure):
        tag(file, "Dog")
    categorise(said, "ANMLDog", 0.95)
    categorise(unsure, "ANMLDog", 0.1)
    words = {"keywords": ["Rex", "Dog"], "description": "Our Rex", "catid": "DOORWood"}
    FileEvidence.objects.create(file=said, said=words, read_at=timezone.now())

    first, second = export(said.library)

    assert first["keywords"] == "Rex; Dog"
    assert (first["description"], first["catid"], first["category"]) == ("Our Rex", "DOORWood", "")
    assert (second["catid"], second["category"]) == ("", "")


def test_missing_files_and_those_of_other_libraries_do_not_belong_to_it():
    file = AudioFileFactory()
    AudioFileFactory(library=file.library, state=AudioFile.State.MISSING)
    AudioFileFactory()

    assert [row["id"] for row in export(file.library)] == [str(file.pk)]


def test_a_run_and_a_query_narrow_it_down():
    library = LibraryFactory()
    rain, wind, other = AudioFileFactory.create_batch(3, library=library)
    tag(rain, "Rain")
    run = RunFactory(library=library)
    for file in (rain, wind):
        for classifier in ClassifierVersionFactory.create_batch(2):
            JobFactory(run=run, file=file, classifier=classifier)

    assert [row["id"] for row in export(library, run=run)] == [str(rain.pk), str(wind.pk)]
    query = Selection(query="tag:rain")
    assert [row["id"] for row in export(library, selection=query)] == [str(rain.pk)]
    chosen = Selection(file_ids=[other.pk])
    assert [row["id"] for row in export(library, selection=chosen)] == [str(other.pk)]


def test_words_of_the_search_narrow_it_down_too():
    dog, cat = AudioFileFactory.create_batch(2, library=LibraryFactory())
    tag(dog, "Dog")
    tag(cat, "Cat")
    index_changes()

    assert [row["id"] for row in export(dog.library, words="dog")] == [str(dog.pk)]
    assert [row["id"] for row in export(dog.library, words="-dog")] == [str(cat.pk)]


def test_a_file_that_goes_while_others_are_read_is_left_out():
    first, second = AudioFileFactory.create_batch(2, library=LibraryFactory())
    ids = list_ids(AudioFile.objects.all())
    first.delete()

    assert [file.id for file in BatchReader().read(ids)] == [second.pk]


def test_a_batch_costs_the_same_few_queries_however_many_files(
    django_assert_max_num_queries: object,
):
    library = LibraryFactory()
    for file in AudioFileFactory.create_batch(40, library=library):
        tag(file, "Dog")
    ids = list_ids(AudioFile.objects.all())
    reader = BatchReader()
    reader.read(ids[:1])  # learns about the library

    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert len(reader.read(ids)) == 40


def make_rows(library: Library, number: int) -> None:
    now = timezone.now()
    files = AudioFile.objects.bulk_create(
        AudioFile(
            library=library,
            path=f"{n:07}.wav",
            path_key=f"{n:032x}",
            size=1,
            mtime_ns=1,
            first_seen_at=now,
            last_seen_at=now,
        )
        for n in range(number)
    )
    Tag.objects.bulk_create(
        Tag(file=file, name="Dog", confidence=0.9, origin="classifier", created_at=now)
        for file in files
    )


def test_memory_does_not_grow_with_the_number_of_files():
    def peak(files: int) -> int:
        library = LibraryFactory()
        make_rows(library, files)
        tracemalloc.start()
        try:
            chosen = AudioFile.objects.filter(library=library)
            rows = sum(
                piece.count(b"\n") for piece in export_files(files=chosen, form=FORMATS["jsonl"])
            )
            assert rows == files
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(600)  # what is imported and cached once
    small, large = peak(1_000), peak(3_000)

    # A file that was kept would be more than a kilobyte.
    assert large - small < 2_000 * 100


def test_an_asynchronous_reader_gets_the_same_bytes_piece_by_piece():
    library = LibraryFactory()
    make_rows(library, 1_100)
    files = AudioFile.objects.filter(library=library)

    stream = stream_files(files=files, form=FORMATS["csv"])
    pieces = async_to_sync(collect)(stream)

    assert len(pieces) == 4  # the heading and three batches
    assert b"".join(pieces) == b"".join(export_files(files=files, form=FORMATS["csv"]))


async def collect(stream: object) -> list[bytes]:
    return [piece async for piece in stream]  # type: ignore[attr-defined]


class Out(io.StringIO):
    """Standard output, as far as commands use it."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = io.BytesIO()


def run(*words: str | Path) -> str:
    out = Out()
    call_command("export", *map(str, words), stdout=out)
    return out.buffer.getvalue().decode("utf-8-sig")


@pytest.fixture
def sounds(tmp_path: Path, data_dir: Path) -> Path:
    folder = tmp_path / "sounds"
    make_sound(folder / "Track 18.wav")
    make_sound(folder / "other.wav")
    scan_library(library=register_library(root=folder, name="Foley", trusted=True))
    return folder


def test_the_command_prints_a_library(sounds: Path):
    rows = list(csv.DictReader(io.StringIO(run("Foley"))))
    assert {row["path"] for row in rows} == {"Track 18.wav", "other.wav"}
    lines = run(sounds, "--format", "jsonl", "--query", "Track").splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["Track 18.wav"]


def test_a_file_on_the_disk_is_never_overwritten(sounds: Path, tmp_path: Path):
    target = tmp_path / "foley.txt"
    run("Foley", "--format", "soundminer", "-o", target)
    before = target.read_bytes()
    assert before.startswith(b"Filename\tFilePath\tDescription\t")
    with pytest.raises(CommandError, match="already_there") as told:
        run("Foley", "-o", target)
    assert told.value.returncode == 1
    assert target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"foley.txt", "sounds", "var"}


def test_a_label_track_is_of_one_sound(sounds: Path):
    classifier = ClassifierVersionFactory(name="audioset", labels=[["/m/0bt9lr", "Dog"]])
    AudioFile.objects.update(audio_hash="heard")
    PredictionSet.objects.create(
        classifier=classifier,
        audio_hash="heard",
        scores=[],
        timeline=pack_timeline(np.array([[0.9], [0.0]], np.float32), [(0, 5), (5, 10)]),
    )
    words = ("Foley", "--format", "audacity", "--query")

    assert run(*words, '"Track 18.wav"') == "0.000000\t5.000000\tDog\n"
    for query in ("wav", "nothing"):
        with pytest.raises(CommandError, match="not_one_sound"):
            run(*words, query)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("Nowhere",), 2),
        (("Foley", "--run", "77"), 2),
        (("Foley", "--query", "status:odd"), 2),
        (("Foley", "-o", "/nowhere/out.csv"), 1),
    ],
)
def test_what_cannot_be_done_has_its_status(sounds: Path, words: tuple[str, ...], status: int):
    with pytest.raises(CommandError) as told:
        run(*words)
    assert told.value.returncode == status


def test_a_run_of_another_library_is_refused(sounds: Path):
    with pytest.raises(CommandError, match="run_unknown"):
        run("Foley", "--run", str(RunFactory().pk))
