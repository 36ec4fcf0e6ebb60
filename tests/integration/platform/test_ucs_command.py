"""`manage.py ucs`: categories are shown, names checked, files renamed and renamed back."""

from __future__ import annotations

import json
import os
import re
import shlex
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.tagging.models import Tag, TagBasis, TagSet
from earmark.writeback import renaming
from earmark.writeback.models import FileRename
from earmark_files.identity import audio_identity
from tests.factories import ClassifierVersionFactory

pytestmark = pytest.mark.django_db

IDS = ("--creator", "JD", "--source", "KENNEL")
PAGE = (Path(__file__).parents[3] / "docs" / "ucs.md").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path, data_dir: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory.create(name="audioset")


def make(folder: Path, *names: str, catid: str = "ANMLDog") -> Library:
    """Make sounds that Earmark has tagged as dogs."""
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(seed).random(80)
        with path.open("wb") as file:
            soundfile.write(file, noise, 8000, format="WAV")
    library = Library.objects.first() or register_library(root=folder, trusted=True)
    scan_library(library=library)
    classifier = ClassifierVersion.objects.get()
    for file in AudioFile.objects.filter(tag_set=None):
        AudioFile.objects.filter(pk=file.pk).update(audio_hash=audio_identity(file.location).hash)
        tag(file, classifier, catid)
    return library


def tag(file: AudioFile, classifier: ClassifierVersion, catid: str) -> None:
    now = timezone.now()
    basis, _ = TagBasis.objects.get_or_create(key="b", rules_version=1)
    TagSet.objects.create(
        file=file,
        basis=basis,
        audio_hash=file.audio_hash,
        tags_key="k",
        created_at=now,
        catid=catid,
        catid_confidence=0.8 if catid else None,
        catid_runners_up=[["ANMLWild", 0.3]] if catid else [],
    )
    for at, name in enumerate(("Bark", "Howl")):
        Tag.objects.create(
            file=file, name=name, confidence=0.9 - at / 10, origin="classifier", created_at=now
        )


def run(*arguments: str | Path) -> str:
    out = StringIO()
    call_command("ucs", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def fail(*arguments: str | Path) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(CommandError) as told:
        call_command("ucs", *map(str, arguments), stdout=out, stderr=out)
    return told.value.returncode, out.getvalue() + str(told.value)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def dogs(folder: Path, classifier: ClassifierVersion) -> Path:
    make(folder, "Track 18.wav", "Track 19.wav", "Old Rex.wav")
    (folder / "Track 18.wav.earmark.json").write_text("{}")
    (folder / "Track 18.xmp").write_text("x")
    return folder


RENAMED = [
    "ANMLDog_Bark Howl 02_JD_KENNEL.wav",
    "ANMLDog_Bark Howl_JD_KENNEL.wav",
    "ANMLDog_Bark Howl_JD_KENNEL.wav.earmark.json",
    "ANMLDog_Bark Howl_JD_KENNEL.xmp",
    "ANMLDog_Old Rex_JD_KENNEL.wav",
]


def test_the_category_is_shown_with_confidence_source_and_runners_up(dogs: Path):
    text = run("show", dogs / "Track 18.wav")
    assert "ANMLDog ANIMALS / DOG 0.80 from tags; else ANMLWild 0.30" in text
    make(dogs, "DOORWood_Hut_JD_SHOW.wav")
    told = json.loads(run("show", "--json", dogs / "DOORWood_Hut_JD_SHOW.wav"))
    assert (told["catid"], told["confidence"], told["source"]) == ("DOORWood", 1.0, "name")
    assert told["runners_up"] == [["ANMLDog", 0.8], ["ANMLWild", 0.3]]


def test_a_dry_run_names_every_new_name_and_changes_nothing(dogs: Path):
    before = names(dogs)
    text = run("rename", "--dry-run", *IDS, dogs)
    assert "Track 18.wav: planned -> ANMLDog_Bark Howl_JD_KENNEL.wav" in text
    assert names(dogs) == before
    assert not FileRename.objects.exists()


def test_files_sidecars_and_rows_get_the_new_name_and_a_scan_finds_nothing_new(dogs: Path):
    tags = {file.pk: file.tag_set.pk for file in AudioFile.objects.all()}
    text = run("rename", *IDS, dogs)
    assert "Track 18.wav: renamed -> ANMLDog_Bark Howl_JD_KENNEL.wav" in text
    assert names(dogs) == RENAMED
    report = scan_library(library=Library.objects.get())
    assert (report.added, report.changed, report.vanished) == (0, 0, 0)
    assert {file.pk: file.tag_set.pk for file in AudioFile.objects.all()} == tags
    assert not AudioFile.objects.filter(audio_hash="").exists()
    again = run("rename", *IDS, dogs)
    assert again.count("unchanged") == 3
    assert names(dogs) == RENAMED


def test_a_whole_batch_is_undone_and_the_command_says_how(dogs: Path):
    before = names(dogs)
    batch = re.search(r"--batch (\w+)", run("rename", *IDS, dogs))
    assert batch
    assert run("undo", "--batch", batch[1]).count(": undone ->") == 3
    assert names(dogs) == before
    assert sorted(AudioFile.objects.values_list("path", flat=True)) == [
        "Old Rex.wav",
        "Track 18.wav",
        "Track 19.wav",
    ]
    assert "could be undone" in fail("undo", "--batch", batch[1])[1]


def test_one_file_is_undone_and_the_others_keep_their_names(dogs: Path):
    run("rename", *IDS, dogs)
    run("undo", dogs / "ANMLDog_Bark Howl_JD_KENNEL.wav")
    assert {"Track 18.wav", "Track 18.xmp", "Track 18.wav.earmark.json"} <= set(names(dogs))
    assert "ANMLDog_Old Rex_JD_KENNEL.wav" in names(dogs)


def test_an_undo_that_cannot_be_done_is_refused_and_changes_nothing(dogs: Path):
    run("rename", *IDS, dogs)
    (dogs / "Track 18.wav").write_text("somebody else's")
    (dogs / "ANMLDog_Old Rex_JD_KENNEL.wav").rename(dogs / "Rexie.wav")
    before = names(dogs)
    batch = FileRename.objects.values_list("batch", flat=True).distinct().get()
    code, text = fail("undo", "--batch", batch)
    assert code == 1
    assert "[name_taken]" in text
    assert "[moved_since]" in text
    gone, came = {"ANMLDog_Bark Howl 02_JD_KENNEL.wav"}, {"Track 19.wav"}
    assert set(names(dogs)) == (set(before) - gone) | came
    assert (dogs / "Track 18.wav").read_text() == "somebody else's"


def test_names_that_differ_in_case_or_composition_only_are_taken(
    folder: Path, classifier: ClassifierVersion
):
    make(folder, "Café.wav", "Track 1.wav")
    (folder / "anmldog_CAFE\u0301_jd_kennel.WAV").write_bytes(b"other")
    (folder / "anmldog_bark howl_jd_kennel.wav.bak").write_bytes(b"no clash")
    run("rename", *IDS, folder / "Café.wav")
    assert "ANMLDog_Café 02_JD_KENNEL.wav" in names(folder)


def test_bytes_that_are_no_text_are_renamed_and_come_back(
    folder: Path, classifier: ClassifierVersion
):
    name = os.fsdecode(b"Track \xff 1.wav")
    make(folder, name)
    run("rename", *IDS, folder)
    assert names(folder) == ["ANMLDog_Bark Howl_JD_KENNEL.wav"]
    run("undo", folder)
    assert names(folder) == [name]


def test_a_sidecar_that_cannot_go_along_keeps_the_whole_group(
    dogs: Path, monkeypatch: pytest.MonkeyPatch
):
    before = names(dogs)
    real = renaming.rename_new

    def refuse(old: Path, new: Path) -> None:
        if old.suffix == ".xmp":
            raise PermissionError(13, "Permission denied")
        real(old, new)

    monkeypatch.setattr(renaming, "rename_new", refuse)
    code, text = fail("rename", *IDS, dogs / "Track 18.wav")
    assert (code, names(dogs)) == (1, before)
    assert "[not_permitted]" in text
    assert FileRename.objects.get().state == FileRename.State.FAILED
    assert AudioFile.objects.filter(path="Track 18.wav").exists()


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_a_rename_in_which_the_process_died_is_finished_or_given_up(
    dogs: Path, monkeypatch: pytest.MonkeyPatch, when: str
):
    class Killed(BaseException):
        pass

    real, calls = renaming.rename_new, []

    def die(old: Path, new: Path) -> None:
        calls.append(old)
        if when == "before" or (when == "between" and len(calls) == 2):
            raise Killed
        real(old, new)

    def die_after(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(renaming, "rename_new", die)
        if when == "after":
            patch.setattr(renaming, "_follow", die_after)
        with pytest.raises(Killed):
            run("rename", *IDS, dogs / "Track 18.wav")
    assert FileRename.objects.get().state == FileRename.State.PLANNED
    assert renaming.settle_renames() == 1
    rename = FileRename.objects.get()
    file = AudioFile.objects.get(pk=rename.file_id)
    assert file.location.exists()
    assert file.location.with_name(f"{file.location.name}.earmark.json").exists()
    assert rename.state == (FileRename.State.FAILED if when == "before" else FileRename.State.DONE)


def test_the_undo_of_single_writes_follows_the_name(dogs: Path):
    path = dogs / "Old Rex.wav"
    content = path.read_bytes()
    quiet = {"stdout": StringIO(), "stderr": StringIO()}
    call_command("metadata", "write", str(path), "--keyword", "dog", **quiet)
    scan_library(library=Library.objects.get())
    AudioFile.objects.filter(path=path.name).update(audio_hash=audio_identity(path).hash)
    run("rename", *IDS, path)
    renamed = dogs / "ANMLDog_Old Rex_JD_KENNEL.wav"
    call_command("metadata", "undo", str(renamed), **quiet)
    assert renamed.read_bytes() == content


def test_files_without_a_catid_and_unknown_files_are_told_and_left(
    folder: Path, classifier: ClassifierVersion, tmp_path: Path
):
    make(folder, "Track 1.wav", catid="")
    code, text = fail("rename", *IDS, folder, tmp_path / "elsewhere")
    assert code == 1
    assert "[no_catid]" in text
    assert "[unknown_file]" in text
    assert names(folder) == ["Track 1.wav"]


def test_a_silent_sound_is_said_to_be_silent_and_not_unknown(dogs: Path):
    AudioFile.objects.filter(path="Old Rex.wav").update(
        state=AudioFile.State.FAILED, error_code="silent", error_message="The file is silent."
    )
    code, text = fail("show", dogs / "Old Rex.wav")
    assert code == 1
    assert "The file is silent. [unusable_sound]" in text


def test_a_file_that_changed_since_it_was_tagged_keeps_its_name(dogs: Path):
    (dogs / "Old Rex.wav").write_bytes(b"something else")
    code, text = fail("rename", *IDS, dogs / "Old Rex.wav")
    assert code == 1
    assert "[file_changed]" in text
    assert "Old Rex.wav" in names(dogs)


def test_names_are_validated_without_a_database(tmp_path: Path):
    for name in ("DOORWood_Cellar_JD_SHOW.wav", "doorwood_Cellar_JD_SHOW.wav", "Track 1.wav"):
        (tmp_path / name).write_bytes(b"")
    code, text = fail("validate", tmp_path)
    assert code == 1
    assert "DOORWood_Cellar_JD_SHOW.wav: ok" in text
    assert "doorwood is spelt DOORWood in the UCS list. [catid_case]" in text
    lines = fail("validate", "--json", tmp_path)[1].splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert {one["path"].rpartition("/")[2]: len(one["problems"]) for one in told} == {
        "DOORWood_Cellar_JD_SHOW.wav": 0,
        "doorwood_Cellar_JD_SHOW.wav": 1,
        "Track 1.wav": 1,
    }


@pytest.mark.parametrize(
    "arguments",
    [["rename", "x"], ["show", "x", "--batch"], ["undo", "x", "--dry-run"]],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_status_2(data_dir: Path, arguments: list[str]):
    assert fail(*arguments)[0] == 2


def test_every_command_of_the_page_works(dogs: Path):
    (dogs / "named").mkdir()
    (dogs / "named" / "DOORWood_Cellar_JD_SHOW.wav").write_bytes(b"")
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert {shlex.split(line)[2] for line in lines} == {"show", "validate", "rename", "undo"}
    before = names(dogs)
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "earmark"
        replaced = [word.replace("/path/to/sounds", str(dogs)) for word in words]
        call_command(*replaced, stdout=StringIO(), stderr=StringIO())
    assert names(dogs) == before
