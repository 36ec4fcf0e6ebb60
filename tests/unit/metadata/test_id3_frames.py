"""Frames are encoded as mutagen encodes them and decoded as it decodes them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import COMM, ID3, TCON, TIT3, TXXX

from earmark_files.metadata import id3
from earmark_files.metadata.id3_frames import _decode_odd, encode_frames, identify

SLOTS: dict[str, Callable[[int, str], Any]] = {
    "id3/TCON": lambda encoding, text: TCON(encoding=encoding, text=[text]),
    "id3/TIT3": lambda encoding, text: TIT3(encoding=encoding, text=[text]),
    "id3/COMM": lambda encoding, text: COMM(encoding=encoding, lang="eng", desc="", text=[text]),
    "id3/TXXX:KEYWORDS": lambda encoding, text: TXXX(
        encoding=encoding, desc="KEYWORDS", text=[text]
    ),
}
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


def by_mutagen(frame: Any, version: int) -> bytes:
    """Return one frame with its header as mutagen writes it."""
    tag = ID3()
    tag.add(frame)
    out = io.BytesIO()
    tag.save(out, v1=0, v2_version=version, v23_sep=None, padding=lambda _: 0)
    return out.getvalue()[id3.HEADER :]


@given(st.sampled_from(sorted(SLOTS)), TEXTS, st.sampled_from([3, 4]))
def test_frames_are_the_bytes_mutagen_writes(slot: str, text: str, version: int) -> None:
    latin = max(map(ord, text)) < 256
    encoding = 0 if latin else (3 if version == 4 else 1)
    expected = by_mutagen(SLOTS[slot](encoding, text), version)
    assert encode_frames({slot: text}, version) == {slot: expected}


@given(
    st.sampled_from(sorted(SLOTS)),
    st.lists(TEXTS, min_size=1, max_size=3),
    st.sampled_from([0, 1, 2, 3]),
)
def test_any_encoding_is_read_as_mutagen_reads_it(
    slot: str, texts: list[str], encoding: int
) -> None:
    if encoding == 0:
        texts = [text.encode("latin-1", "replace").decode("latin-1") for text in texts]
    frame = SLOTS[slot](encoding, "")
    frame.text = texts
    raw = by_mutagen(frame, 4)
    found = identify(raw, 4)
    odd = _decode_odd(raw, 4)
    assert odd is not None
    assert found.slot == slot
    assert found.text == "; ".join(t for text in odd[1] if (t := text.strip("\0 ")))


@given(st.sampled_from(sorted(SLOTS)), st.binary(max_size=40), st.sampled_from([3, 4]))
def test_damaged_frames_are_kept_and_never_fail(slot: str, body: bytes, version: int) -> None:
    name = slot.removeprefix("id3/")[:4].encode()
    raw = name + len(body).to_bytes(4, "big") + b"\0\0" + body
    assert identify(raw, version).raw == raw


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_reads_back(version: int) -> None:
    for slot in SLOTS:
        raw = encode_frames({slot: "hündisch 犬"}, version)[slot]
        found = identify(raw, version)
        assert (found.slot, found.text) == (slot, "hündisch 犬")


def test_a_frame_with_flags_is_still_read() -> None:
    plain = encode_frames({"id3/TIT3": "a dog"}, 4)["id3/TIT3"]
    body = plain[10:]
    # Version 2.4, data length indicator: four more bytes in front of the text.
    flagged = b"TIT3" + bytes([0, 0, 0, len(body) + 4]) + b"\0\x01"
    raw = flagged + bytes([0, 0, 0, len(body)]) + body
    assert identify(raw, 4).text == "a dog"
