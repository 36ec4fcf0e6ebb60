"""What is found is told with its origin, and shown to people and programs alike."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    MetadataError,
    Policy,
    RecordError,
    TagSet,
    UndoRecord,
    apply,
    plan_write,
    read_tags,
    words,
)
from earmark_files.metadata.render import (
    plan_as_json,
    plan_as_text,
    result_as_json,
    tags_as_json,
    tags_as_text,
)
from tests.audio_factory import FORMATS, Tone, chunk, write_tone
from tests.unit.metadata import riff_builder as build
from tests.unit.metadata.contract import TAGS

TONE = Tone(seconds=0.1, rate=48000)


@pytest.fixture
def vendors(tmp_path: Path) -> Path:
    path = tmp_path / "ANMLDog_Kennel busy_ABC_LIB.wav"
    ixml = chunk(b"iXML", build.SOUNDMINER_IXML)
    path.write_bytes(build.wav([build.bext(b"Kennel")], [ixml, build.info(IKEY="yard; hound")]))
    return path


def test_every_value_is_told_with_its_place(vendors: Path) -> None:
    found = {t.slot: (t.field, t.value, t.own) for t in read_tags(vendors).found}
    assert found["ixml/USER/CATEGORY"] == ("category", "ANIMALS", False)
    assert found["bext/Description"] == ("description", "Kennel", False)
    assert found["info/IKEY"] == ("keywords", "yard; hound", False)


def test_keywords_of_all_containers_are_merged(vendors: Path) -> None:
    assert read_tags(vendors).keywords == ("kennel", "hound", "yard")


def test_own_keywords_are_told_from_a_vendors(vendors: Path) -> None:
    apply(plan_write(vendors, TAGS, Policy.merge_keywords()))
    tags = read_tags(vendors)
    assert tags.own_keywords == TAGS.keywords
    assert set(tags.keywords) == {"kennel", "hound", "yard", *TAGS.keywords}


def test_a_catid_in_the_file_name_counts_last(vendors: Path) -> None:
    tags = read_tags(vendors)
    assert tags.file_name is not None
    assert (tags.file_name.catid, tags.file_name.fx_name) == ("ANMLDog", "Kennel busy")
    plain = vendors.with_name("DOORWood_Slam_A_B.wav")
    plain.write_bytes(build.wav())
    assert read_tags(plain).get("catid") == "DOORWood"


def test_a_plan_reads_as_a_diff(vendors: Path) -> None:
    text = plan_as_text(plan_write(vendors, TAGS, Policy.replace_own()))
    assert "  - info/IKEY: yard; hound\n  + info/IKEY: yard; hound, dog" in text
    assert "  ! bext/Description: somebody else has filled this field" in text
    assert "record of Earmark's own tags" in text


def test_a_record_that_is_new_is_shown_as_new_and_one_that_goes_as_gone(tmp_path: Path) -> None:
    path = tmp_path / "plain.wav"
    path.write_bytes(build.wav())
    first = plan_write(path, TAGS, Policy.replace_own())
    assert "  + ixml/USER/EARMARK: record" in plan_as_text(first)
    apply(first)
    more = plan_write(path, TagSet(keywords=("x",), authors=("a@1",)), Policy.merge_keywords())
    assert "  ~ ixml/USER/EARMARK: record" in plan_as_text(more)
    last = plan_write(path, TagSet(), Policy.replace_own())
    assert "  - ixml/USER/EARMARK: record" in plan_as_text(last)


def test_what_a_format_has_no_place_for_is_one_line_of_the_diff(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "mp3", Tone(seconds=0.1, rate=48000))
    plan = plan_write(path, TagSet(keywords=("dog",), category="ANIMALS", notes="near"))
    assert ("category", "", "no_place") in {(s.field, s.slot, s.reason) for s in plan.skips}
    assert "  ! no place for category, notes in MP3" in plan_as_text(plan)


def test_every_reason_has_words_for_people() -> None:
    folder = Path(words.__file__).parent
    source = "".join(p.read_text("utf-8") for p in folder.glob("*.py") if p.name != "words.py")
    patterns = (
        r'(?:skipped|blocked)\[[^\]]+\] = f?"([a-z0-9_]+)[":]',
        r'notes(?:\.append\(| \+?= )[(\[]?f?"([a-z0-9_]+)[":]',
        r'Skip\([^()]*, "([a-z_]+)"\)',
        r'reason = "([a-z_]+)"',
    )
    codes = {code for pattern in patterns for code in re.findall(pattern, source)}
    assert {"taken", "read_only", "ixml_broken", "missing_pad", "repeated"} <= codes
    codes |= {f"duplicate_{group}" for group in ("bext", "ixml", "id3")}
    assert {code for code in codes if words.in_words(code) == code} == set()
    assert words.in_words("format_without_tags").startswith("this format holds no tags")
    assert words.in_words("ixml_broken: at line 2").endswith("(at line 2)")


def test_everything_has_a_json_form(vendors: Path) -> None:
    plan = plan_write(vendors, TAGS, Policy.replace_own())
    shown = plan_as_json(plan)
    assert json.loads(json.dumps(shown)) == shown
    result = result_as_json(apply(plan))
    assert UndoRecord.from_json(json.loads(json.dumps(result))["undo"]) == plan.undo
    tags = tags_as_json(read_tags(vendors))
    assert json.loads(json.dumps(tags)) == tags
    assert tags["authors"] == ["audioset@1.0.0"]


def test_own_values_are_marked_for_people(vendors: Path) -> None:
    apply(plan_write(vendors, TagSet(notes="near", authors=("a@1",))))
    text = tags_as_text(read_tags(vendors))
    assert "  * ixml/USER/NOTES: near" in text
    assert "    ixml/USER/CATEGORY: ANIMALS" in text


def test_file_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.wav")
    path.write_bytes(build.wav())
    plan_as_text(plan_write(path, TAGS)).encode("utf-8")
    assert tags_as_json(read_tags(path))["path"].endswith("\\xff.wav")


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r | {"schema": "earmark-undo/9"},
        lambda r: {k: v for k, v in r.items() if k != "restore"},
        lambda r: r | {"path": "%%%"},
        lambda r: r | {"restore": [{"offset": 0, "length": 1, "original": "AAAA"}]},
        lambda r: r | {"before": {"size": 1}},
    ],
)
def test_damaged_undo_records_are_refused(vendors: Path, damage: object) -> None:
    record = plan_write(vendors, TAGS).undo.to_json()
    with pytest.raises(RecordError):
        UndoRecord.from_json(damage(record))  # type: ignore[operator]
    with pytest.raises(RecordError):
        UndoRecord.loads("not json")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_an_identity_of_its_audio(tmp_path: Path, name: str) -> None:
    rate = 48000
    first = write_tone(tmp_path, name, Tone(seconds=0.1, rate=rate))
    louder = write_tone(tmp_path, name, Tone(seconds=0.1, rate=rate, level=0.3))
    copy = tmp_path / "copy"
    copy.write_bytes(first.read_bytes())
    assert audio_identity(first) == audio_identity(copy)
    assert audio_identity(first).hash != audio_identity(louder).hash


def test_the_same_samples_at_another_rate_are_another_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(build.wav())
    other = tmp_path / "b.wav"
    other.write_bytes(build.wav().replace(build.FMT, build.FMT[:4] + b"\x80\x3e" + build.FMT[6:]))
    assert audio_identity(path).hash != audio_identity(other).hash


def test_a_container_around_the_same_audio_keeps_scheme_and_hash(tmp_path: Path) -> None:
    wave, rf64 = tmp_path / "a.wav", tmp_path / "b.wav"
    wave.write_bytes(build.wav(after=build.FOREIGN))
    rf64.write_bytes(build.rf64())
    assert audio_identity(wave) == audio_identity(rf64)


@pytest.mark.parametrize("name", ["folder", "missing", "fifo", "text"])
def test_what_is_no_sound_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name == "fifo":
        os.mkfifo(path)
    elif name == "text":
        path.write_text("hello")
    codes = {"missing": "file_not_found", "text": "not_audio"}
    for action in (read_tags, lambda p: plan_write(p, TAGS)):
        with pytest.raises(MetadataError) as refused:
            action(path)
        assert refused.value.code == codes.get(name, "not_a_regular_file")
        assert refused.value.path == path
