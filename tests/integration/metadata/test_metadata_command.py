"""`manage.py metadata` shows, plans, writes and undoes the tags of single files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from earmark.library.models import AudioFile
from earmark.library.services import register_library, scan_library
from earmark.writeback.models import TagWrite
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from earmark_files.metadata import Policy, TagSet, apply, plan_write, read_tags
from tests.audio_factory import Tone, write_tone

pytestmark = pytest.mark.django_db


@pytest.fixture
def wav(tmp_path: Path, data_dir: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return write_tone(folder, "wav-16", Tone(seconds=0.1, rate=48000))


def run(*arguments: str | Path) -> str:
    out = StringIO()
    call_command("metadata", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def test_what_was_written_is_shown_and_undone(wav: Path) -> None:
    content = wav.read_bytes()
    run("write", wav, "--keyword", "dog", "--keyword", "bark", "--category", "ANIMALS")
    assert "ixml/USER/KEYWORDS: dog, bark" in run("show", wav)
    assert "undone" in run("undo", wav)
    assert wav.read_bytes() == content


def test_a_plan_is_shown_and_nothing_is_written(wav: Path) -> None:
    content = wav.read_bytes()
    assert "+ info/IKEY: dog" in run("plan", wav, "--keyword", "dog")
    assert wav.read_bytes() == content


def test_json_has_one_object_per_file(wav: Path) -> None:
    lines = run("write", wav, wav, "--keyword", "dog", "--json").splitlines()
    first, second = map(json.loads, lines)
    assert (first["status"], second["status"]) == ("written", "unchanged")
    assert first["as_asked"] and second["as_asked"]


def test_a_persons_words_outlive_the_next_run(wav: Path) -> None:
    run("write", wav, "--keyword", "dog", "--category", "ANIMALS")
    apply(plan_write(wav, TagSet(keywords=("cat",), authors=("a@1",)), Policy.replace_own()))
    apply(plan_write(wav, TagSet(), Policy.replace_own()))
    tags = read_tags(wav)
    assert (tags.keywords, tags.get("category")) == (("dog",), "ANIMALS")


def test_one_bad_file_is_told_and_stops_nothing(wav: Path) -> None:
    bad = wav.with_name("bad.wav")
    bad.write_text("no sound")
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2"):
        call_command("metadata", "write", str(bad), str(wav), "--keyword", "dog", stderr=out)
    assert "[not_audio]" in out.getvalue()
    assert read_tags(wav).keywords == ("dog",)


def test_a_vendors_value_in_the_way_makes_the_exit_status_tell(wav: Path) -> None:
    apply(plan_write(wav, TagSet(category="PETS", by_person=True)))
    with pytest.raises(CommandError):
        run("write", wav, "--category", "ANIMALS")
    run("write", wav, "--category", "ANIMALS", "--policy", "replace")
    assert read_tags(wav).get("category") == "ANIMALS"


def test_a_field_without_a_place_is_named_with_its_file(wav: Path) -> None:
    rate = 48000
    names = ("mp3", "ogg-vorbis")
    others = [write_tone(wav.parent, name, Tone(seconds=0.1, rate=rate)) for name in names]
    out, said = StringIO(), StringIO()
    asked = ["metadata", "write", *map(str, [wav, *others]), "--category", "FOLEY"]
    with pytest.raises(CommandError, match="2 of 3"):
        call_command(*asked, stdout=out, stderr=said)
    assert said.getvalue().splitlines() == [
        f"{others[0]}: category: no place for category in MP3",
        f"{others[1]}: category: no place for category in Ogg Vorbis",
    ]
    assert "! no place for category in MP3" in run("plan", others[0], "--category", "FOLEY")


def test_json_says_which_field_is_not_as_asked(wav: Path) -> None:
    apply(plan_write(wav, TagSet(category="PETS", by_person=True)))
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("metadata", "write", str(wav), "--category", "FOLEY", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert not answer["as_asked"]
    assert "'PETS'" in answer["unmet"]["category"]


def test_a_reader_that_goes_away_is_no_error_to_talk_about(wav: Path) -> None:
    shown = [sys.executable, "manage.py", "metadata", "plan", *[str(wav)] * 400, "--keyword", "dog"]
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(shown)} | head -n 1; echo ${{PIPESTATUS[0]}}"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [f"{wav} (wav)", "141"]
    assert done.stderr == ""


def test_several_writes_are_undone_one_by_one(wav: Path) -> None:
    for word in ("one", "two", "three"):
        run("write", wav, "--keyword", word)
    said = [
        (("one", "two"), "undone; 2 earlier writes can be undone, too"),
        (("one",), "undone; 1 earlier write can be undone, too"),
        ((), "undone"),
    ]
    for left, words in said:
        assert run("undo", wav) == f"{wav}: {words}\n"
        assert read_tags(wav).keywords == left
    with pytest.raises(CommandError):
        run("undo", wav)


def test_undoing_a_sidecar_says_that_the_sound_is_still_there(wav: Path) -> None:
    sound = write_tone(wav.parent, "caf-16", Tone(seconds=0.1, rate=48000))
    run("write", sound, "--keyword", "dog")
    assert "the sidecar, which held only this, is gone" in run("undo", sound)
    assert sound.exists()


def test_a_record_that_was_cut_off_hides_no_older_one(wav: Path, data_dir: Path) -> None:
    run("write", wav, "--keyword", "one")
    (place,) = (data_dir / "undo").glob("*/*.json")
    cut_off = place.with_name("00000002.json")
    cut_off.write_text(place.read_text()[:50])
    run("undo", wav)
    assert read_tags(wav).keywords == ()
    with pytest.raises(CommandError):
        run("undo", wav)
    assert cut_off.exists()


@pytest.mark.parametrize(("days", "left"), [(30, 1), (0, 2)])
def test_writes_older_than_the_setting_are_forgotten(
    days: int, left: int, wav: Path, data_dir: Path, settings: Settings
) -> None:
    settings.EARMARK_UNDO_KEEP_DAYS = days
    run("write", wav, "--keyword", "one")
    (place,) = (data_dir / "undo").glob("*/*.json")
    old = time.time() - 31 * 86_400
    os.utime(place, (old, old))
    other = write_tone(wav.parent, "flac-16", Tone(seconds=0.1, rate=48000))
    run("write", other, "--keyword", "two")
    assert len(list((data_dir / "undo").glob("*/*.json"))) == left
    assert place.exists() is (left == 2)


def test_a_write_of_the_tag_command_is_undone_too(wav: Path) -> None:
    content = wav.read_bytes()
    library = register_library(name="Sounds", root=wav.parent, trusted=True)
    scan_library(library=library)
    plan = plan_write(wav, TagSet(keywords=("dog",), authors=("a@1",)))
    file = AudioFile.objects.get()
    write = begin_write(file_id=file.pk, tags_key="k", plan={}, undo=plan.undo.to_json())
    apply(plan)
    record_write(write_id=write.pk, outcome=WriteOutcome(TagWrite.State.WRITTEN))
    run("undo", wav)
    assert wav.read_bytes() == content


def test_nothing_to_write_is_a_usage_error(wav: Path) -> None:
    with pytest.raises(CommandError, match="--keyword"):
        run("write", wav)
    with pytest.raises(CommandError, match="comma"):
        run("write", wav, "--keyword", "a,b")
