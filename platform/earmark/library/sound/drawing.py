"""Waveforms and spectrograms of files: decoded by a guarded child, a few at once, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from earmark.library.models import AudioFile
from earmark.library.sound import png
from earmark.library.sound.cache import sound_cache
from earmark.library.sound.errors import DrawingBusyError, SoundUnreadableError
from earmark.library.sound.opening import OpenSound, open_sound
from earmark.library.sound.peaks import PeakReducer, Peaks
from earmark.library.sound.spectrogram import BANDS, Picture, SpectrogramReducer, resize
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder

DECODERS = 2
"""Sounds decoded at once by one web process."""

WAITING = 64
"""Requests that may wait for their turn; a page of waveforms asks for some dozens at once."""

LONGEST_S = 48 * 3600
"""A small file can hold weeks of silence; nobody looks at that."""

PATIENCE_S = 60.0
_MEMORY_MB = 512
_STALL_S = 30.0
_PROCESSOR_S = 120.0
_STRIPES = 64

Reducer = PeakReducer | SpectrogramReducer


class _Decoders:
    """Guarded decoders, each with its child, handed out one to a request."""

    def __init__(self) -> None:
        self._turn = threading.BoundedSemaphore(DECODERS)
        self._places = threading.BoundedSemaphore(DECODERS + WAITING)
        self._idle: list[GuardedDecoder] = []

    @contextmanager
    def take(self) -> Iterator[GuardedDecoder]:
        """Wait for a turn.

        Raises
        ------
        DrawingBusyError
            If too many wait, or it takes too long.
        """
        if not self._places.acquire(blocking=False):
            raise DrawingBusyError("Too many pictures of sounds are being drawn.")
        try:
            if not self._turn.acquire(timeout=PATIENCE_S):
                raise DrawingBusyError("Drawing takes too long now.")
            try:
                yield from self._lend()
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def _lend(self) -> Iterator[GuardedDecoder]:
        # pop and append are atomic, and there are never more decoders than turns.
        decoder = self._idle.pop() if self._idle else _new_decoder()
        try:
            yield decoder
        finally:
            self._idle.append(decoder)


def _new_decoder() -> GuardedDecoder:
    return GuardedDecoder(_STALL_S, _MEMORY_MB, cpu_seconds=_PROCESSOR_S)


_decoders = _Decoders()
_stripes = tuple(threading.Lock() for _ in range(_STRIPES))


def get_peaks(file: AudioFile) -> Peaks:
    """Return the finest waveform that is kept of a file; see `Peaks.reduce_to`.

    Raises
    ------
    SoundMissingError, SoundUnreadableError, DrawingBusyError
    """

    def draw(decoder: GuardedDecoder, path: str) -> bytes:
        rate = decoder.probe(path).sample_rate
        reducer = PeakReducer(rate)
        _push_all(decoder, path, rate, reducer)
        return reducer.finish().to_dat(16)

    return Peaks.from_dat(_draw_once(file, "peaks 1", draw))


def get_spectrogram(file: AudioFile, *, width: int, height: int) -> bytes:
    """Return a PNG of a file's spectrogram; raises as `get_peaks` does."""

    def draw(decoder: GuardedDecoder, path: str) -> bytes:
        rate = decoder.probe(path).sample_rate
        reducer = SpectrogramReducer(rate)
        _push_all(decoder, path, rate, reducer)
        return reducer.finish().tobytes()

    kept = _draw_once(file, "spectrogram 1", draw)
    picture: Picture = np.frombuffer(kept, np.uint8).reshape(-1, BANDS)
    return png.encode(resize(picture, width, height))


def version_of(file: AudioFile) -> str:
    """Return what the sound of a file is known by: another sound has another one.

    The audio identity where the file is the one that was identified: writing tags into a file
    changes it, and its waveform stays. Else its size and time.

    Raises
    ------
    SoundMissingError
    """
    with open_sound(file) as sound:
        return _version(file, sound)


def _version(file: AudioFile, sound: OpenSound) -> str:
    if file.audio_hash and (sound.size, sound.mtime_ns) == (file.size, file.mtime_ns):
        return f"audio {file.audio_hash}"
    return f"file {file.pk} {sound.size} {sound.mtime_ns}"


def _draw_once(file: AudioFile, kind: str, draw: Callable[[GuardedDecoder, str], bytes]) -> bytes:
    """Return what is kept of a sound; what is not is drawn, by one of those who ask for it."""
    with open_sound(file) as sound:
        key = f"{kind} {_version(file, sound)}"
        kept = sound_cache().get(key)
        if kept is not None:
            return kept
        with _stripes[hash(key) % _STRIPES]:
            kept = sound_cache().get(key)
            if kept is None:
                kept = _draw(sound, draw)
                sound_cache().put(key, kept)
            return kept


def _draw(sound: OpenSound, draw: Callable[[GuardedDecoder, str], bytes]) -> bytes:
    with _decoders.take() as decoder:
        try:
            return draw(decoder, sound.path)
        except AudioFileError as error:
            raise SoundUnreadableError(error.message, code=error.code) from error


def _push_all(decoder: GuardedDecoder, path: str, sample_rate: int, reducer: Reducer) -> None:
    """Hand a whole sound to a reducer, as stored: the samples at the file's own rate."""
    with decoder.stream(path, sample_rate=sample_rate) as blocks:
        samples = 0
        for block in blocks:
            samples += len(block)
            if samples > LONGEST_S * sample_rate:
                raise AudioFileError(
                    f"The sound is longer than {LONGEST_S // 3600} hours; it is not drawn.",
                    code="sound_too_long",
                )
            reducer.push(block)
