"""Real files of kinds that hold no tags of ours: a sidecar or a refusal, never a changed byte.

The outcomes are those of the tables in docs/metadata-fields.md.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from earmark_files.metadata import MetadataError, TagSet, apply, plan_write, read_tags, undo
from tests.unit.metadata import riff_builder as build

TAGS = TagSet(keywords=("dog",), description="A dog barks", authors=("audioset@1.0.0",))
IN_A_SIDECAR = {
    "flac-in.ogg": ("-c:a", "flac"),
    "flac-in.oga": ("-c:a", "flac"),
    "speex.spx": ("-c:a", "libspeex", "-ar", "16000"),
    "mdta.mov": ("-c:a", "aac", "-movflags", "use_metadata_tags", "-metadata", "keywords=x"),
    "sony.w64": (),
    "core.caf": (),
    "sun.au": (),
    "windows.wma": (),
    "adts.aac": ("-c:a", "aac"),
    "matroska.mka": ("-c:a", "flac"),
    "wavpack.wv": ("-c:a", "wavpack"),
}
REASONS = {"mdta.mov": "no_place_for_provenance"}

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def encode(path: Path, *options: str) -> Path:
    """Encode a tone with FFmpeg."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.5:sample_rate=48000")
    subprocess.run(["ffmpeg", "-v", "error", *tone, *options, str(path)], check=True)
    return path


@pytest.mark.parametrize("name", IN_A_SIDECAR)
def test_tags_go_into_a_sidecar_and_the_sound_stays(name: str, tmp_path: Path) -> None:
    path = encode(tmp_path / name, *IN_A_SIDECAR[name])
    content = path.read_bytes()
    plan = plan_write(path, TAGS)
    assert plan.container == "sidecar"
    assert plan.notes == (REASONS.get(name, "format_without_tags"),)
    record = apply(plan).record
    assert read_tags(path).own_keywords == ("dog",)
    assert path.read_bytes() == content
    assert record is not None
    assert undo(record).status == "removed"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_big_endian_riff_gets_a_sidecar(tmp_path: Path) -> None:
    path = tmp_path / "big-endian.wav"
    path.write_bytes(b"RIFX" + build.wav()[4:])
    assert plan_write(path, TAGS).notes == ("format_without_tags",)


def test_a_fragmented_mp4_is_refused_untouched(tmp_path: Path) -> None:
    flags = ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")
    path = encode(tmp_path / "fragmented.mp4", *flags)
    content = path.read_bytes()
    with pytest.raises(MetadataError, match="fragmented") as refused:
        plan_write(path, TAGS)
    assert refused.value.code == "unsupported_structure"
    assert path.read_bytes() == content
    assert read_tags(path).found == ()
