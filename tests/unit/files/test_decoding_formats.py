"""Every format Earmark reads comes out at the right length, level and pitch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from earmark_files.decoding import probe, stream
from tests.audio_factory import FORMATS, AudioFormat, Tone, write_tone

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tones")


def _shapes(audio_format: AudioFormat) -> list[tuple[int, int]]:
    """Lowest, usual and highest rate in stereo, and the usual rate in mono and all channels."""
    usual = 44100 if 44100 in audio_format.rates else 48000
    shapes = {(rate, 2) for rate in (audio_format.rates[0], usual, audio_format.rates[-1])}
    shapes |= {(usual, 1), (usual, audio_format.max_channels)}
    return sorted(shapes)


CASES = [
    pytest.param(name, rate, channels, id=f"{name}-{rate}-{channels}ch")
    for name, audio_format in FORMATS.items()
    for rate, channels in _shapes(audio_format)
]


@pytest.mark.parametrize(("name", "rate", "channels"), CASES)
def test_tone_comes_out_as_it_went_in(name: str, rate: int, channels: int, folder: Path) -> None:
    expected = FORMATS[name]
    tone = Tone(1.0, rate, channels)
    path = write_tone(folder, name, tone)

    with stream(path, sample_rate=RATE) as blocks:
        info = blocks.info
        samples = np.concatenate(list(blocks))

    assert (info.container, info.codec) == (expected.container, expected.codec)
    assert info.channels == channels
    assert info.sample_rate == (48000 if expected.codec == "opus" else rate)
    want = tone.mono(RATE)
    assert abs(len(samples) - len(want)) <= 1 + expected.length_slack * RATE
    assert info.duration == pytest.approx(1.0, abs=0.01 + expected.length_slack)

    middle = samples[RATE // 4 : RATE * 3 // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(440, abs=2)
    # Encoders give the bass channel of a surround layout no 440 Hz.
    level_slack = 0.2 if expected.lossy and channels > 2 else 0.02
    level = float(np.sqrt(2 * np.mean(middle.astype(np.float64) ** 2)))
    if not (expected.codec == "aac" and rate == 8000):  # FFmpeg's encoder is weak down there
        assert level == pytest.approx(tone.mono_amplitude, rel=level_slack)
    if expected.error is not None and not (expected.lossy and channels > 2):
        assert np.abs(middle - want[RATE // 4 : RATE * 3 // 4]).max() < expected.error


@pytest.mark.parametrize("name", FORMATS)
def test_sound_of_fifty_milliseconds_is_decoded(name: str, folder: Path) -> None:
    expected = FORMATS[name]
    rate = 44100 if 44100 in expected.rates else 48000
    tone = Tone(0.05, rate, 2)
    path = write_tone(folder, name, tone)

    count = sum(len(block) for block in stream(path, sample_rate=RATE))

    assert 0.05 * RATE - 60 <= count <= (0.06 + expected.length_slack) * RATE


@pytest.mark.parametrize("name", ["wav-16", "flac-16", "mp3", "opus", "m4a", "wma", "caf-24"])
@pytest.mark.parametrize("wrong_extension", ["wav", "mp3", "flac", "ogg", "txt", ""])
def test_content_decides_and_not_the_name(
    name: str, wrong_extension: str, folder: Path, tmp_path: Path
) -> None:
    right = write_tone(folder, name, Tone(0.5, 48000, 1))
    wrong = tmp_path / f"sound.{wrong_extension}"
    wrong.write_bytes(right.read_bytes())

    assert probe(wrong) == probe(right)
    assert sum(map(len, stream(wrong, sample_rate=RATE))) == sum(
        map(len, stream(right, sample_rate=RATE))
    )


@pytest.mark.parametrize(
    "file_name",
    [
        b"\xff\xfe\x80.wav",
        "Türen & Fenster – 100 % naß.wav".encode(),
        b"line\nbreak\ttab.wav",
        b"http:%2f%2fhost.wav",
        b"concat:a.wav|b.wav",
        b"-i.wav",
        b"x" * 251 + b".wav",
        b"\\backslash\\.wav",
    ],
)
@pytest.mark.parametrize("name", ["wav-16", "wav-24", "opus"])
def test_any_file_name_is_opened(name: str, file_name: bytes, folder: Path, tmp_path: Path) -> None:
    plain = write_tone(folder, name, Tone(0.5, 48000, 1))
    odd = tmp_path / os.fsdecode(file_name)
    odd.write_bytes(plain.read_bytes())

    assert probe(odd) == probe(os.fsencode(odd)) == probe(plain)


def test_variable_bit_rate_mp3_without_xing_header_is_decoded_to_its_end(folder: Path) -> None:
    """libsndfile guesses the length of such a file from its first frame and stops there."""
    path = write_tone(folder, "mp3", Tone(4.0, 44100, 2))
    data = bytearray(path.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info"))
    data[at : at + 4] = b"\0\0\0\0"
    bare = folder / "bare.mp3"
    bare.write_bytes(data)

    count = sum(len(block) for block in stream(bare, sample_rate=RATE))

    assert count == pytest.approx(4.0 * RATE, abs=0.1 * RATE)


def test_flac_of_unstated_length_is_decoded_to_its_end(folder: Path, tmp_path: Path) -> None:
    """Programs that write to a pipe cannot go back and fill the length in."""
    data = bytearray(write_tone(folder, "flac-16", Tone(3.0, 48000, 2)).read_bytes())
    data[21] &= 0xF0  # the 36 bits of "total samples" in STREAMINFO
    data[22:26] = bytes(4)
    piped = tmp_path / "piped.flac"
    piped.write_bytes(data)

    assert sum(len(block) for block in stream(piped, sample_rate=RATE)) == 3 * RATE


@pytest.mark.parametrize("name", ["ogg-vorbis", "opus"])
def test_ogg_streams_one_behind_the_other_are_all_decoded(
    name: str, folder: Path, tmp_path: Path
) -> None:
    once = write_tone(folder, name, Tone(2.0, 48000, 2)).read_bytes()
    chained = tmp_path / "chained.ogg"
    chained.write_bytes(once + once)

    count = sum(len(block) for block in stream(chained, sample_rate=RATE))

    assert count == pytest.approx(4 * RATE, abs=0.05 * RATE)


def test_foreign_tags_around_mpeg_audio_do_not_matter(folder: Path, tmp_path: Path) -> None:
    plain = write_tone(folder, "mp3", Tone(2.0, 44100, 2))
    id3v2 = b"ID3\x04\x00\x00\x00\x00\x20\x00" + bytes(0x20 << 7)
    ape = b"APETAGEX" + bytes(24) + b"Title\0noise \xff\xfb\x90\x64 in a tag" + bytes(200)
    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(id3v2 + plain.read_bytes() + ape + b"TAG" + bytes(125))

    count = sum(len(block) for block in stream(tagged, sample_rate=RATE))

    assert count == pytest.approx(2.0 * RATE, abs=0.08 * RATE)
