"""Files that must be refused, each with the code it must be refused with.

`BROKEN` lists them by name; `write_broken` makes one in a folder.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.audio_factory import Tone, chunk, write_samples, write_tone

TONE = Tone(2.0, 48000, 2)


def pcm_header(rate: int, channels: int, bits: int = 16, tag: int = 1) -> bytes:
    """Return a ``fmt `` chunk; a wave64-like size field is not needed for bad files."""
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits))


def riff(*chunks: bytes) -> bytes:
    """Return a WAV file of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _cut(name: str, keep: float) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        whole = write_tone(folder, name, TONE)
        data = whole.read_bytes()
        whole.write_bytes(data[: int(len(data) * keep)])
        return whole

    return write


def _holed(name: str) -> Callable[[Path], Path]:
    """Overwrite a part in the middle with noise."""

    def write(folder: Path) -> Path:
        whole = write_tone(folder, name, Tone(6.0, 48000, 2))
        data = bytearray(whole.read_bytes())
        start, length = len(data) // 2, max(600, len(data) // 10)
        data[start : start + length] = np.random.default_rng(7).bytes(length)
        whole.write_bytes(data)
        return whole

    return write


def _bytes(content: bytes, name: str = "broken.wav") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def _float_with(value: float) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        samples = Tone(3.0, 44100, 2).samples()
        samples[44100 * 2, 1] = value
        path = folder / "nan.wav"
        write_samples(path, samples, 44100, format="WAV", subtype="FLOAT")
        return path

    return write


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.wav")
    return folder / "pipe.wav"


def _socket(folder: Path) -> Path:
    # The address of a socket is limited to 108 bytes, so bind from within the folder.
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket.wav")
    finally:
        os.chdir(here)
    return folder / "socket.wav"


def _link_loop(folder: Path) -> Path:
    (folder / "a.wav").symlink_to("b.wav")
    (folder / "b.wav").symlink_to("a.wav")
    return folder / "a.wav"


def _folder(folder: Path) -> Path:
    (folder / "folder.wav").mkdir()
    return folder / "folder.wav"


def _no_frames(name: str) -> Callable[[Path], Path]:
    return lambda folder: write_tone(folder, name, Tone(0.0, 44100, 2))


def _device(folder: Path) -> Path:
    return Path("/dev/zero")


_CUT_FORMATS = [
    *("wav-16", "wav-24", "wav-f32", "wav-ima-adpcm", "rf64-16", "w64", "aiff-16", "aifc-float"),
    *("flac-16", "caf-24", "caf-alac", "au", "ogg-vorbis", "opus", "mp3", "m4a", "m4a-alac"),
    *("aac", "wma", "webm", "wavpack"),
]
_CHECKED_FORMATS = ["flac-16", "opus", "mp3", "m4a", "aac", "wavpack"]  # damage inside shows

# STREAMINFO of 44.1 kHz, stereo, 16 bit and an unknown number of samples
_BARE_FLAC = b"fLaC\x80\0\0\x22" + bytes.fromhex("100010000000000000000ac442f0") + bytes(20)

BROKEN: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "missing": ("file_not_found", lambda folder: folder / "missing.wav"),
    "missing folder": ("file_not_found", lambda folder: folder / "no" / "missing.wav"),
    "link to nowhere": ("file_not_found", lambda folder: _link_to(folder, "gone.wav")),
    "name too long": ("file_not_found", lambda folder: folder / ("x" * 300 + ".wav")),
    "link loop": ("not_a_regular_file", _link_loop),
    "folder": ("not_a_regular_file", _folder),
    "fifo": ("not_a_regular_file", _fifo),
    "socket": ("not_a_regular_file", _socket),
    "device": ("not_a_regular_file", _device),
    "empty": ("empty_file", _bytes(b"")),
    "one byte": ("not_audio", _bytes(b"R")),
    "text": ("not_audio", _bytes(b"just some text, no sound\n" * 400)),
    "noise": ("not_audio", _bytes(np.random.default_rng(1).bytes(300_000), "noise.mp3")),
    "zeros": ("not_audio", _bytes(bytes(100_000))),
    "all ones": ("not_audio", _bytes(b"\xff" * 100_000, "ones.mp3")),
    "picture": ("not_audio", _bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000), "cover.flac")),
    "playlist": ("not_audio", _bytes(b"#EXTM3U\n#EXTINF:10,\n/etc/hostname\n", "list.mp3")),
    "concat script": ("not_audio", _bytes(b"ffconcat version 1.0\nfile '/etc/passwd'\n")),
    "avi": ("not_audio", _bytes(b"RIFF\x00\x10\x00\x00AVI LIST" + bytes(4000))),
    "header alone": ("truncated", _bytes(riff(pcm_header(44100, 2), bytes(5000))[:36])),
    "flac header alone": ("no_samples", _bytes(_BARE_FLAC)),
    "magic alone": ("decode_failed", _bytes(b"fLaC")),
    "no data chunk": ("decode_failed", _bytes(riff(pcm_header(44100, 2)))),
    "no samples wav": ("no_samples", _bytes(riff(pcm_header(44100, 2), chunk(b"data", b"")))),
    "no samples aiff": ("no_samples", _no_frames("aiff-16")),
    "no samples 24 bit": ("no_samples", _no_frames("wav-24")),
    "no channels": (
        "decode_failed",
        _bytes(riff(pcm_header(44100, 0), chunk(b"data", bytes(400)))),
    ),
    "rate of 1 Hz": (
        "unsupported_format",
        _bytes(riff(pcm_header(1, 1), chunk(b"data", bytes(400)))),
    ),
    "rate of 2 GHz": (
        "unsupported_format",
        _bytes(riff(pcm_header(2_000_000_000, 1), chunk(b"data", bytes(400)))),
    ),
    "200 channels": (
        "unsupported_format",
        _bytes(riff(pcm_header(44100, 200), chunk(b"data", bytes(80_000)))),
    ),
    "unknown codec": (
        "unsupported_format",
        _bytes(riff(pcm_header(44100, 2, tag=0x7A21), chunk(b"data", bytes(4000)))),
    ),
    "nan": ("invalid_samples", _float_with(float("nan"))),
    "infinite": ("invalid_samples", _float_with(float("inf"))),
    **{f"cut {name} at 60 %": ("truncated", _cut(name, 0.6)) for name in _CUT_FORMATS},
    **{f"cut {name} at 97 %": ("truncated", _cut(name, 0.97)) for name in _CUT_FORMATS},
    **{f"damaged {name}": ("decode_failed", _holed(name)) for name in _CHECKED_FORMATS},
}


def _link_to(folder: Path, target: str) -> Path:
    (folder / "link.wav").symlink_to(target)
    return folder / "link.wav"


def write_broken(folder: Path, name: str) -> Path:
    """Make the file `name` of `BROKEN` in an empty folder."""
    return BROKEN[name][1](folder)
