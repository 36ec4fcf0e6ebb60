"""What was written is read again before it counts: a renderer that errs harms no file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from earmark_files.metadata import (
    Policy,
    TagSet,
    VerificationError,
    apply,
    bext,
    id3,
    mp4,
    plan_write,
    planning,
    vorbis,
)
from earmark_files.metadata.document import Document
from earmark_files.metadata.plan import Snapshot
from earmark_files.metadata.sidecar import SidecarDocument
from earmark_files.metadata.source import Source, SplicedSource
from tests.audio_factory import Tone, write_tone

TAGS = TagSet(keywords=("dog", "bark"), description="A dog barks", authors=("audioset@1.0.0",))
TONE = Tone(seconds=0.2, rate=48000)
SIDECAR_EDIT = SidecarDocument.edit


def _break_bext(patch: pytest.MonkeyPatch) -> None:
    write = bext.write_description
    patch.setattr(bext, "write_description", lambda body, text: write(body, text[:-1]))


def _break_id3(patch: pytest.MonkeyPatch) -> None:
    encode = id3.encode_frames
    patch.setattr(
        id3, "encode_frames", lambda t, v: encode({slot: text[:-1] for slot, text in t.items()}, v)
    )


def _break_vorbis(patch: pytest.MonkeyPatch) -> None:
    edit = vorbis.edit_comments
    patch.setattr(vorbis, "edit_comments", lambda comments, _: edit(comments, {}))


def _break_mp4(patch: pytest.MonkeyPatch) -> None:
    encode = mp4.encode_item
    patch.setattr(mp4, "encode_item", lambda key, text: encode(key.lower(), text))


def _break_sidecar(patch: pytest.MonkeyPatch) -> None:
    def edit(document: SidecarDocument, changes: Mapping[str, str]) -> Any:
        return SIDECAR_EDIT(document, {n: t for n, t in changes.items() if "keywords" not in n})

    patch.setattr(SidecarDocument, "edit", edit)


BROKEN = {
    "wav-16": _break_bext,
    "rf64-24": _break_bext,
    "aiff-16": _break_id3,
    "mp3": _break_id3,
    "flac-16": _break_vorbis,
    "ogg-vorbis": _break_vorbis,
    "opus": _break_vorbis,
    "m4a": _break_mp4,
    "caf-16": _break_sidecar,
}


def trusting(
    document: Document, source: Source, splices: Any, expected: Any, before: Snapshot, policy: Any
) -> Any:
    """Stand in for the check on paper, without its comparison of tags."""
    future = SplicedSource(source, splices)
    payload = planning.reopen(document.container, future, policy).payload
    rest = payload.rest_digest(future)
    audio = before.payload or payload.digest(future)
    return Snapshot(future.size, 0, audio, rest), payload


@pytest.mark.parametrize("kind", BROKEN)
def test_a_renderer_that_errs_is_found_out_on_paper(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tone(tmp_path, kind, TONE)
    BROKEN[kind](monkeypatch)
    with pytest.raises(VerificationError, match="not read back as planned"):
        plan_write(path, TAGS)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("in_place_from", [None, 0])
def test_a_renderer_that_errs_is_found_out_in_the_written_file(
    kind: str, in_place_from: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tone(tmp_path, kind, TONE)
    content, names = path.read_bytes(), sorted(tmp_path.iterdir())
    BROKEN[kind](monkeypatch)
    monkeypatch.setattr(planning, "_check_on_paper", trusting)
    plan = plan_write(path, TAGS, Policy(in_place_from=in_place_from))
    with pytest.raises(VerificationError, match="not what was planned"):
        apply(plan)
    assert path.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == names
