"""Small real sound files in every format Earmark reads, written by real encoders.

`FORMATS` lists them; `write_tone` makes one file, `Tone` says what must come out of it. Broken
files are in `tests/broken_audio.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float64]

ALL_RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
UP_TO_48K = (8000, 11025, 16000, 22050, 32000, 44100, 48000)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


@dataclass(frozen=True)
class Tone:
    """A sine, weaker in each further channel, so that a lost or doubled channel is noticed."""

    seconds: float = 0.5
    rate: int = 44100
    channels: int = 1
    hertz: float = 440.0
    level: float = 0.6

    @property
    def frames(self) -> int:
        return round(self.seconds * self.rate)

    @property
    def amplitudes(self) -> list[float]:
        return [self.level / (1 + channel / 4) for channel in range(self.channels)]

    @property
    def mono_amplitude(self) -> float:
        return sum(self.amplitudes) / self.channels

    def samples(self) -> Samples:
        """Return float64 samples of shape (frames, channels)."""
        wave = np.sin(2 * np.pi * self.hertz * np.arange(self.frames) / self.rate)
        return wave[:, None] * np.array(self.amplitudes)

    def mono(self, rate: int) -> Samples:
        """Return what perfect decoding and resampling to `rate` gives."""
        count = round(self.frames * rate / self.rate)
        return self.mono_amplitude * np.sin(2 * np.pi * self.hertz * np.arange(count) / rate)


@dataclass(frozen=True)
class AudioFormat:
    """One way to store sound: how to write it, and what to expect when it is read."""

    name: str
    extension: str
    container: str
    codec: str
    write: Callable[[Path, Samples, int], None] = field(repr=False)
    # Largest deviation of a sample from the tone, away from both ends; None where the format has
    # no way to say by how much its encoder delays the sound.
    error: float | None = 1e-3
    rates: tuple[int, ...] = ALL_RATES
    max_channels: int = 8
    length_slack: float = 0.0  # seconds by which the decoded length may differ
    lossy: bool = False


def write_samples(path: Path, samples: Samples, rate: int, **how: str) -> None:
    """Write through libsndfile, in pieces: its Vorbis encoder overflows its stack on long ones."""
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], **how) as file:
        for start in range(0, len(samples), 4096):
            file.write(samples[start : start + 4096])


def _by_soundfile(container: str, subtype: str, endian: str = "FILE") -> Callable[..., None]:
    def write(path: Path, samples: Samples, rate: int) -> None:
        write_samples(path, samples, rate, format=container, subtype=subtype, endian=endian)

    return write


LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def _by_ffmpeg(container: str, codec: str, sample_format: str) -> Callable[..., None]:
    def write(path: Path, samples: Samples, rate: int) -> None:
        layout = LAYOUTS[samples.shape[1]]
        with av.open(str(path), "w", format=container) as output:
            stream = output.add_stream(codec, rate=rate, layout=layout, format=sample_format)
            if codec in ("aac", "wmav2"):
                stream.bit_rate = 128_000 * max(1, samples.shape[1] // 2)
            # PyAV 18 cannot make a planar frame of eight channels from an array; FFmpeg can.
            convert = av.AudioResampler(format=sample_format, layout=layout, rate=rate)
            packed = np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            for converted in (*convert.resample(frame), *convert.resample(None)):
                output.mux(stream.encode(converted))
            output.mux(stream.encode(None))

    return write


def chunk(name: bytes, body: bytes, order: str = "<") -> bytes:
    """Return a RIFF chunk with its pad byte."""
    return name + struct.pack(order + "I", len(body)) + body + b"\0" * (len(body) % 2)


def _broadcast_wave(path: Path, samples: Samples, rate: int) -> None:
    """Write a WAV with bext before and iXML after the data, as field recorders do."""
    write_samples(path, samples, rate, format="WAV", subtype="PCM_24")
    plain = path.read_bytes()
    bext = struct.pack(
        "<256s32s32s10s8sQH", b"Door", b"Rec", b"1", b"2024-01-01", b"10:00:00", 7, 1
    )
    body = plain[:12] + chunk(b"bext", bext.ljust(602, b"\0")) + plain[12:]
    body += chunk(b"iXML", b"<BWFXML><SCENE>1</SCENE></BWFXML>")
    path.write_bytes(body[:4] + struct.pack("<I", len(body) - 8) + body[8:])


def _bw64(path: Path, samples: Samples, rate: int) -> None:
    write_samples(path, samples, rate, format="RF64", subtype="PCM_24")
    path.write_bytes(b"BW64" + path.read_bytes()[4:])


def _streamed_wave(path: Path, samples: Samples, rate: int) -> None:
    """Write a WAV as programs do that cannot seek back: all sizes are FFFFFFFF."""
    data = (samples * 32767).astype("<i2").tobytes()
    channels = samples.shape[1]
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    unknown = b"\xff\xff\xff\xff"
    path.write_bytes(b"RIFF" + unknown + b"WAVE" + chunk(b"fmt ", fmt) + b"data" + unknown + data)


def _formats() -> list[AudioFormat]:
    sf, ff, make = _by_soundfile, _by_ffmpeg, AudioFormat
    vorbis = {"error": 0.1, "length_slack": 0.03, "lossy": True}
    delayed = {"error": None, "lossy": True}
    return [
        make("wav-u8", "wav", "wav", "pcm_u8", sf("WAV", "PCM_U8"), 0.01),
        make("wav-16", "wav", "wav", "pcm_s16", sf("WAV", "PCM_16")),
        make("wav-24", "wav", "wav", "pcm_s24", sf("WAV", "PCM_24")),
        make("wav-32", "wav", "wav", "pcm_s32", sf("WAV", "PCM_32")),
        make("wav-f32", "wav", "wav", "pcm_f32", sf("WAV", "FLOAT")),
        make("wav-f64", "wav", "wav", "pcm_f64", sf("WAV", "DOUBLE")),
        make("wav-extensible-16", "wav", "wav", "pcm_s16", sf("WAVEX", "PCM_16")),
        make("wav-extensible-24", "wav", "wav", "pcm_s24", sf("WAVEX", "PCM_24")),
        make("wav-big-endian", "wav", "wav", "pcm_s16", sf("WAV", "PCM_16", "BIG")),
        make("wav-alaw", "wav", "wav", "pcm_alaw", sf("WAV", "ALAW"), 0.03),
        make("wav-mulaw", "wav", "wav", "pcm_mulaw", sf("WAV", "ULAW"), 0.03),
        make(
            "wav-ima-adpcm", "wav", "wav", "adpcm_ima", sf("WAV", "IMA_ADPCM"), 0.1,
            max_channels=2, length_slack=0.3,
        ),
        make(
            "wav-ms-adpcm", "wav", "wav", "adpcm_ms", sf("WAV", "MS_ADPCM"), 0.1,
            max_channels=2, length_slack=0.3,
        ),
        make("wav-streamed", "wav", "wav", "pcm_s16", _streamed_wave),
        make("bwf", "wav", "wav", "pcm_s24", _broadcast_wave),
        make("rf64-16", "wav", "rf64", "pcm_s16", sf("RF64", "PCM_16")),
        make("rf64-24", "rf64", "rf64", "pcm_s24", sf("RF64", "PCM_24")),
        make("bw64", "wav", "rf64", "pcm_s24", _bw64),
        make("w64", "w64", "w64", "pcm_s24", sf("W64", "PCM_24")),
        make("aiff-16", "aif", "aiff", "pcm_s16", sf("AIFF", "PCM_16")),
        make("aiff-24", "aiff", "aiff", "pcm_s24", sf("AIFF", "PCM_24")),
        make("aifc-float", "aifc", "aiff", "pcm_f32", sf("AIFF", "FLOAT")),
        make("aifc-sowt", "aifc", "aiff", "pcm_s16", sf("AIFF", "PCM_16", "LITTLE")),
        make("flac-16", "flac", "flac", "flac", sf("FLAC", "PCM_16")),
        make("flac-24", "flac", "flac", "flac", sf("FLAC", "PCM_24")),
        make("caf-16", "caf", "caf", "pcm_s16", sf("CAF", "PCM_16")),
        make("caf-24", "caf", "caf", "pcm_s24", sf("CAF", "PCM_24")),
        make("caf-alac", "caf", "caf", "alac", sf("CAF", "ALAC_16"), rates=UP_TO_48K),
        make("au", "au", "au", "pcm_s16", sf("AU", "PCM_16")),
        make("ogg-vorbis", "ogg", "ogg", "vorbis", sf("OGG", "VORBIS"), **vorbis),
        make("opus", "opus", "ogg", "opus", sf("OGG", "OPUS"), **vorbis, rates=OPUS_RATES),
        make(
            "mp3", "mp3", "mp3", "mp3", sf("MP3", "MPEG_LAYER_III"), 0.15, length_slack=0.03,
            lossy=True, rates=UP_TO_48K, max_channels=2,
        ),
        make(
            "m4a", "m4a", "mp4", "aac", ff("ipod", "aac", "fltp"), 0.15,
            lossy=True, rates=(*UP_TO_48K, 96000), length_slack=0.13,
        ),
        make(
            "m4a-alac", "m4a", "mp4", "alac", ff("ipod", "alac", "s16p"),
            rates=UP_TO_48K, max_channels=6,
        ),
        make(
            "aac", "aac", "aac", "aac", ff("adts", "aac", "fltp"), **delayed,
            rates=UP_TO_48K, length_slack=0.4,
        ),
        make(
            "wma", "wma", "asf", "wmav2", ff("asf", "wmav2", "fltp"), **delayed,
            rates=(16000, 22050, 32000, 44100, 48000), max_channels=2, length_slack=0.3,
        ),
        make(
            "webm", "webm", "matroska", "opus", ff("webm", "libopus", "flt"), 0.1,
            lossy=True, rates=OPUS_RATES, length_slack=0.03,
        ),
        make(
            "wavpack", "wv", "wavpack", "wavpack", ff("wv", "wavpack", "s16p"), rates=UP_TO_48K
        ),
    ]  # fmt: skip


FORMATS: dict[str, AudioFormat] = {format_.name: format_ for format_ in _formats()}


def write_tone(folder: Path, name: str, tone: Tone, file_name: str | None = None) -> Path:
    """Write `tone` in the format `name` and return the file; written before: return it as it is.

    Pass a folder of the whole session (`tmp_path_factory`) to share files between tests, the
    test's own folder for files that a test changes.
    """
    audio_format = FORMATS[name]
    stem = f"{name}_{tone.rate}_{tone.channels}ch_{tone.seconds}s_{tone.hertz}_{tone.level}"
    path = folder / (file_name or f"{stem}.{audio_format.extension}")
    if not path.exists():
        partial = path.with_name(f".{path.name}.part")
        audio_format.write(partial, tone.samples(), tone.rate)
        partial.rename(path)
    return path
