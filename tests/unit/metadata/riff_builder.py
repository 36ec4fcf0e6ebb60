"""WAV files put together chunk by chunk, as the programs of the field write them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.audio_factory import chunk

FMT = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
AUDIO = bytes(range(1, 201)) * 5

RECORDER_IXML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\r\n<BWFXML>\r\n'
    b"\t<IXML_VERSION>1.52</IXML_VERSION>\r\n\t<PROJECT>Film &amp; TV</PROJECT>\r\n"
    b"\t<!-- slate 7 -->\r\n\t<SCENE>7A</SCENE>\r\n\t<TAKE>3</TAKE>\r\n"
    b"\t<USER>two dogs, wind noise at the end</USER>\r\n"
    b"\t<SPEED>\r\n\t\t<TIMECODE_RATE>24000/1001</TIMECODE_RATE>\r\n\t</SPEED>\r\n"
    b"\t<TRACK_LIST>\r\n\t\t<TRACK_COUNT>1</TRACK_COUNT>\r\n\t\t<TRACK>\r\n"
    b"\t\t\t<CHANNEL_INDEX>1</CHANNEL_INDEX><NAME>Boom</NAME>\r\n\t\t</TRACK>\r\n\t</TRACK_LIST>\r\n"
    b"</BWFXML>\r\n"
) + b"\0" * 40

SOUNDMINER_IXML = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    b"<BWFXML><IXML_VERSION>1.61</IXML_VERSION><STEINBERG><ATTR_LIST><ATTR><TYPE>string</TYPE>"
    b"<NAME>MediaLibrary</NAME><VALUE>Kennels</VALUE></ATTR></ATTR_LIST></STEINBERG>"
    b"<USER><CATEGORY>ANIMALS</CATEGORY><SUBCATEGORY>DOG</SUBCATEGORY><CATID>ANMLDog</CATID>"
    b"<FXNAME/><KEYWORDS>kennel, hound</KEYWORDS><LIBRARY>Kennels</LIBRARY>"
    b"<EMBEDDER>Soundminer</EMBEDDER><RATING>***</RATING></USER>"
    b"<ASWG><contentType>sfx</contentType><isGenerated/></ASWG></BWFXML>"
)


def bext(description: bytes = b"sTAKE=3\r\nsSCENE=7A") -> bytes:
    """Return a version 2 bext chunk with time reference, UMID, loudness and coding history."""
    body = struct.pack(
        "<256s32s32s10s8sQH64s5h180s",
        description, b"Recorder", b"REF1", b"2024-05-06", b"07:08:09", 123456789012, 2,
        bytes(range(64)), -2300, 700, -100, -2200, -2150, b"",
    )  # fmt: skip
    return chunk(b"bext", body + b"A=PCM,F=48000,W=24,M=mono,T=Recorder\r\n")


def info(**entries: str) -> bytes:
    """Return a LIST INFO chunk."""
    body = b"".join(chunk(name.encode(), text.encode() + b"\0") for name, text in entries.items())
    return chunk(b"LIST", b"INFO" + body)


FOREIGN = (
    chunk(b"JUNK", b"\0" * 29),
    chunk(b"fact", struct.pack("<I", 500)),
    chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 10, 0x61746164, 0, 0, 10)),
    chunk(b"LIST", b"adtl" + chunk(b"labl", b"\x01\0\0\0bark\0")),
    chunk(b"smpl", bytes(range(36))),
    chunk(b"inst", b"\x3c\0\0\0\x7f\0\x7f"),
    chunk(b"acid", bytes(24)),
    chunk(b"SMED", bytes(range(255)) * 3),
    chunk(b"SMRD", b"<xml>private</xml>"),
    chunk(b"MD5 ", bytes(range(16))),
    chunk(b"dbmd", b"dolby" * 9),
    chunk(b"axml", b"<ebu/>"),
    chunk(b"chna", bytes(44)),
    chunk(b"cart", bytes(2048)),
    chunk(b"xyz!", b"unknown"),
)


def wav(before: Sequence[bytes] = (), after: Sequence[bytes] = (), audio: bytes = AUDIO) -> bytes:
    """Return a RIFF file with chunks before and after the audio."""
    body = b"".join((*before, chunk(b"fmt ", FMT), chunk(b"data", audio), *after))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def rf64(
    before: Sequence[bytes] = (), after: Sequence[bytes] = (), magic: bytes = b"RF64"
) -> bytes:
    """Return an RF64 file with all sizes in its ds64 chunk."""
    unknown = b"\xff\xff\xff\xff"
    rest = b"".join((*before, chunk(b"fmt ", FMT), b"data" + unknown + AUDIO, *after))
    size = 4 + 36 + len(rest)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", size, len(AUDIO), len(AUDIO) // 2, 0))
    return magic + unknown + b"WAVE" + ds64 + rest


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and body of every chunk; strict, and independent of the code under test."""
    found = []
    position = 12
    while position < len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        if size == 0xFFFFFFFF and name == b"data":
            size = len(AUDIO)
        body = content[position + 8 : position + 8 + size]
        assert len(body) == size, name
        found.append((name, body))
        position += 8 + size
        if size % 2:
            assert content[position : position + 1] == b"\0", name
            position += 1
    assert struct.unpack_from("<I", content, 4)[0] in (len(content) - 8, 0xFFFFFFFF)
    return found
