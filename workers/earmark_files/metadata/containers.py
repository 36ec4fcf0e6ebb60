"""Tell by its first bytes what a file is, and open the container module for it."""

from __future__ import annotations

from collections.abc import Callable

from earmark_files.metadata import id3
from earmark_files.metadata.aiff import AiffDocument
from earmark_files.metadata.document import Document
from earmark_files.metadata.errors import MetadataError
from earmark_files.metadata.flac import FlacDocument
from earmark_files.metadata.mp3 import Mp3Document, has_frames, is_frame_header
from earmark_files.metadata.mp4 import Mp4Document
from earmark_files.metadata.ogg import OggDocument
from earmark_files.metadata.policy import Policy
from earmark_files.metadata.riff import WavDocument
from earmark_files.metadata.riff_form import MAGICS
from earmark_files.metadata.sidecar import SidecarDocument
from earmark_files.metadata.source import Source

SIDECAR_ONLY = "sidecar_only"
"""Kind of a sound file whose format holds none of our tags."""

_OTHER_SOUND = (
    b"riff\x2e\x91\xcf\x11",  # Wave64
    b"caff",
    b".snd",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMA
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"wvpk",
    b"MAC ",
    b"TTA1",
    b"Creative Voice File",
    b"NIST_1A",
    b"#!AMR",
    b"FORM",
    b"RIFX",
    b"MPCK",
    b"MP+",
    b"DSD ",
)


_MAKERS: dict[str, Callable[[Source], Document]] = {
    "aiff": AiffDocument,
    "ogg": OggDocument,
    "mp4": Mp4Document,
    "flac": FlacDocument,
    "mp3": Mp3Document,
}


def sniff(source: Source) -> str:
    """Return the kind of a file: a container name, ``sidecar_only``, or "" for no known sound."""
    head = source.read(0, 16)
    if head[:4] in MAGICS and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"OggS":
        return "ogg"
    if head[4:8] == b"ftyp":
        return "mp4"
    start = 0
    while length := id3.tag_length(source.read(start, id3.HEADER)):
        start += length
    following = source.read(start, 4)
    if following == b"fLaC":
        return "flac"
    adts = len(following) > 1 and following[0] == 0xFF and following[1] & 0xF6 == 0xF0
    if adts or head.startswith(_OTHER_SOUND):
        return SIDECAR_ONLY
    if start or is_frame_header(following):
        return "mp3"
    # Some MP3 files begin with rubbish; four frames in a row are no chance.
    return "mp3" if has_frames(source, 0, 4) else ""


def open_document(source: Source, policy: Policy | None = None) -> Document:
    """Parse a file.

    Raises
    ------
    MalformedFileError, UnsupportedStructureError
        When it cannot be edited safely.
    MetadataError
        With code ``unsupported_format`` when its format cannot hold tags, ``not_audio`` when it
        is no sound file at all.
    """
    kind = sniff(source)
    policy = policy or Policy()
    if kind == "wav":
        return WavDocument(source, create_bext=policy.create_bext, promote_rf64=policy.promote_rf64)
    if kind in _MAKERS:
        return _MAKERS[kind](source)
    if kind == SIDECAR_ONLY:
        raise MetadataError(
            "This format holds no tags; they go into a sidecar.", code="unsupported_format"
        )
    raise MetadataError("This is not a sound file Earmark knows.", code="not_audio")


def reopen(container: str, source: Source, policy: Policy | None = None) -> Document:
    """Parse a file of a kind that is known; only a sidecar has to be told from a sound."""
    return SidecarDocument(source) if container == "sidecar" else open_document(source, policy)
