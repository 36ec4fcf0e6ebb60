"""A wrong extension is told; the content decides what is read and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark_files.metadata import TagSet, apply, plan_write, read_tags, render, undo
from earmark_files.metadata.extension import extension_notes
from tests.audio_factory import Tone, write_tone

TONE = Tone(seconds=0.1, rate=48000)
TAGS = TagSet(keywords=("dog",))


def test_a_flac_called_wav_is_written_as_what_it_is_and_told(tmp_path: Path) -> None:
    sound = write_tone(tmp_path, "flac-16", TONE)
    path = sound.rename(sound.with_suffix(".wav"))
    content = path.read_bytes()
    plan = plan_write(path, TAGS)
    assert (plan.container, plan.notes) == ("flac", ("extension_mismatch: FLAC",))
    assert "the name says another kind of file than the content is" in render.plan_as_text(plan)
    record = apply(plan).record
    tags = read_tags(path)
    assert (tags.container, tags.keywords) == ("flac", ("dog",))
    assert tags.notes == ("extension_mismatch: FLAC",)
    assert record is not None
    undo(record)
    assert path.read_bytes() == content


def test_a_sidecar_of_a_misnamed_file_tells_it_too(tmp_path: Path) -> None:
    sound = write_tone(tmp_path, "flac-16", TONE)
    path = sound.rename(sound.with_suffix(".mp3"))
    path.chmod(0o444)
    assert plan_write(path, TAGS).notes == ("read_only", "extension_mismatch: FLAC")


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("a.WAV", "wav"),
        ("a.bwf", "wav"),
        ("a.ogg", "opus"),
        ("a.oga", "vorbis"),
        ("a.mp2", "mp3"),
        ("a.mp4", "mp4"),
        ("a.aifc", "aiff"),
        ("a", "flac"),
        ("a.sound", "flac"),
        ("a.wav", "sidecar_only"),
    ],
)
def test_fitting_and_unknown_extensions_are_not_mentioned(name: str, container: str) -> None:
    assert extension_notes(Path(name), container) == ()
