"""Which sounds the demo library holds, and how they are put into files."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
import soundfile

from earmark_workers.demo import synthesis as synth
from earmark_workers.demo.synthesis import Rng, Samples

SPEECH = (
    "The library is open from nine to five. Please leave your bags at the door, "
    "and ask at the desk if you cannot find what you are looking for."
)


@dataclass(frozen=True)
class DemoSound:
    """One file: its bad name, its format, and the formula of its sound."""

    name: str
    rate: int
    make: Callable[[Rng, int], Samples]
    subtype: str | None = None
    """libsndfile's; None is the default of the container."""
    channels: int = 1


GUITAR = (82.4, 123.5, 164.8, 207.7, 246.9, 329.6)
BASS = (41.2, 61.7, 55.0, 49.0)

SOUNDS = (
    DemoSound("Track 01.wav", 44100, lambda _, r: synth.alarm_clock(8, r), "PCM_16"),
    DemoSound("Track 02.wav", 8000, lambda _, r: synth.dial_tone(6, r), "ULAW"),
    DemoSound("Track 03.wav", 16000, lambda _, r: synth.busy_tone(7, r), "PCM_U8"),
    DemoSound("untitled 4.flac", 48000, lambda _, r: synth.siren(12, r)),
    DemoSound("audio_final_FINAL.mp3", 44100, lambda _, r: synth.smoke_alarm(9, r)),
    DemoSound("Track 06.aiff", 44100, lambda g, r: synth.white_noise(g, 6, r), channels=2),
    DemoSound("new recording (3).ogg", 44100, lambda g, r: synth.wind(g, 14, r)),
    DemoSound("ZOOM0012.wav", 96000, lambda g, r: synth.clicks(g, 8, r), "PCM_24"),
    DemoSound("bounce_02.flac", 48000, lambda g, r: synth.strum(g, 10, r, notes=GUITAR)),
    DemoSound("Memo.m4a", 44100, lambda g, r: synth.strum(g, 8, r, notes=BASS)),
    DemoSound("REC0001.wav", 48000, lambda _, r: synth.silence(5, r), "PCM_16"),
    DemoSound("mixdown.caf", 44100, lambda _, r: synth.ringback(14, r), "PCM_16"),
    DemoSound("Track 13.w64", 44100, lambda _, r: synth.buzzer(4, r), "PCM_16"),
    DemoSound("clip-a.opus", 48000, lambda _, r: synth.whistle(7, r)),
    DemoSound("Track 15.aiff", 44100, lambda _, r: synth.bell(8, r), "PCM_24"),
    DemoSound("stuff 16.wma", 44100, lambda g, r: synth.rain(g, 10, r)),
    DemoSound("Track 17.wav", 44100, lambda g, r: synth.engine(g, 8, r), "FLOAT"),
    DemoSound("Track 18.wav", 48000, lambda g, r: synth.birds(g, 9, r), "PCM_16", channels=6),
    DemoSound("beep.wav", 44100, lambda _, r: synth.tones((1000,), 0.3, r), "PCM_16"),
    DemoSound("long take.wav", 48000, lambda g, r: synth.events_in_noise(g, 180, r), "PCM_16"),
)

_PYAV_CODECS = {".m4a": "aac", ".wma": "wmav2", ".opus": "libopus"}


def write_demo_library(folder: Path) -> list[Path]:
    """Write the demo files that are not there yet; the same bytes of sound every time.

    Files that exist are left alone: they may hold tags by now.

    Parameters
    ----------
    folder : Path
        Made if missing.

    Returns
    -------
    list of Path
        Every file of the library, written now or before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, sound in enumerate(SOUNDS):
        path = folder / sound.name
        if not path.exists():
            samples = sound.make(np.random.default_rng(number), sound.rate)
            _write(path, np.repeat(samples[:, None], sound.channels, axis=1), sound)
        paths.append(path)
    speech = folder / "voice 007.wav"
    if speech.exists() or _write_speech(speech):
        paths.append(speech)
    return paths


def write_broken_files(folder: Path) -> list[Path]:
    """Add files that cannot be tagged, to see how they are reported."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "not audio.wav"
    text.write_text("This is a shopping list: milk, bread, batteries for the recorder.\n")
    empty = folder / "empty.flac"
    empty.touch()
    return [text, empty]


def _write(path: Path, frames: Samples, sound: DemoSound) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".demo-") as scratch:
        unfinished = Path(scratch) / path.name
        codec = _PYAV_CODECS.get(path.suffix)
        if codec is None:
            soundfile.write(unfinished, frames, sound.rate, subtype=sound.subtype)
        else:
            _encode(unfinished, frames, sound.rate, codec)
        unfinished.replace(path)


def _encode(path: Path, frames: Samples, rate: int, codec: str) -> None:
    """Write a format libsndfile does not know, mono."""
    container_format = {"wmav2": "asf", "aac": "ipod"}.get(codec)
    with av.open(str(path), "w", format=container_format) as container:
        stream = cast(av.AudioStream, container.add_stream(codec, rate=rate, layout="mono"))
        stream.bit_rate = 96_000
        audio = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(frames[:, 0])[None, :], format="fltp", layout="mono"
        )
        audio.sample_rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or 1024)
        for part in [*resampler.resample(audio), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _write_speech(path: Path) -> bool:
    """Let espeak-ng say a sentence; False where it is not installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        return False
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".demo-") as scratch:
        unfinished = Path(scratch) / path.name
        subprocess.run(  # noqa: S603 - a fixed command, found on PATH
            [program, "-v", "en", "-s", "150", "-w", str(unfinished), SPEECH],
            check=True,
            capture_output=True,
            timeout=60,
        )
        unfinished.replace(path)
    return True
