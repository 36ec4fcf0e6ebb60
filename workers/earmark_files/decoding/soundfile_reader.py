"""Decoding through libsndfile: WAV and its relatives, and FLAC."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from earmark_files.decoding import failures
from earmark_files.decoding.reader import SAMPLES_PER_READ, AudioInfo, mean_of_channels
from earmark_files.decoding.sniff import Container
from earmark_files.decoding.source import Source
from earmark_files.errors import AudioFileError

_UNSUPPORTED_ENCODING = 4  # SF_ERR_UNSUPPORTED_ENCODING in sndfile.h
_UNKNOWN_LENGTH = 1 << 62  # libsndfile's SF_COUNT_MAX is 2^63 - 1

_CODECS = {
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
    "IMA_ADPCM": "adpcm_ima",
    "MS_ADPCM": "adpcm_ms",
    "ALAC_16": "alac",
    "ALAC_20": "alac",
    "ALAC_24": "alac",
    "ALAC_32": "alac",
}
# libsndfile hands 16-bit samples over as they are ten times faster than as floats.
_DIRECT_INT16 = frozenset({"PCM_16", "PCM_U8", "PCM_S8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM"})


class SoundFileReader:
    """A `Reader` over python-soundfile.

    Raises
    ------
    AudioFileError
        ``unsupported_format`` or ``decode_failed`` if libsndfile does not open the file.
    """

    def __init__(self, source: Source, container: Container) -> None:
        self._source = source
        source.rewind()
        try:
            self._file = soundfile.SoundFile(source.fd, closefd=False)
        except soundfile.LibsndfileError as error:
            raise _open_error(source, error) from error
        self.subtype = str(self._file.subtype)
        self.info = self._describe(container)
        self.least_frames = self.info.frames or 0
        channels = self.info.channels
        frames = max(1024, SAMPLES_PER_READ // channels)
        self._dtype = "int16" if self._keeps_int16() else "float32"
        self._scale = 1 / 32768 if self._dtype == "int16" else 1.0
        self._buffer: npt.NDArray[Any] = np.empty((frames, channels), self._dtype)

    def _keeps_int16(self) -> bool:
        # 16-bit FLAC decodes to the same numbers either way, at the same speed.
        return self.subtype in _DIRECT_INT16

    def _describe(self, container: Container) -> AudioInfo:
        file = self._file
        frames: int | None = int(file.frames)
        if frames is not None and frames >= _UNKNOWN_LENGTH:
            frames = None
        return AudioInfo(
            duration=None if frames is None else frames / file.samplerate,
            sample_rate=int(file.samplerate),
            channels=int(file.channels),
            frames=frames,
            container=container.value,
            codec=_codec_name(container, self.subtype),
        )

    def read(self) -> npt.NDArray[np.float32] | None:
        """See `Reader.read`."""
        try:
            block = self._file.read(dtype=self._dtype, out=self._buffer)
        except soundfile.LibsndfileError as error:
            raise _read_error(self._source, error) from error
        if len(block) == 0:
            return None
        return mean_of_channels(list(block.T), self._scale)

    def close(self) -> None:
        """See `Reader.close`."""
        self._file.close()


def _codec_name(container: Container, subtype: str) -> str:
    if container is Container.FLAC:
        return "flac"
    if subtype in _CODECS:
        return _CODECS[subtype]
    pcm = re.fullmatch(r"PCM_([SU]?)(\d+)", subtype)
    if pcm:
        return f"pcm_{(pcm[1] or 'S').lower()}{pcm[2]}"
    return subtype.lower()


def _open_error(source: Source, error: soundfile.LibsndfileError) -> AudioFileError:
    if error.code == _UNSUPPORTED_ENCODING:
        return failures.unsupported_encoding(source)
    return failures.damaged(source, error.error_string)


def _read_error(source: Source, error: soundfile.LibsndfileError) -> AudioFileError:
    source.require_unchanged()
    if source.at_end():
        return failures.truncated(source)
    return failures.damaged(source, error.error_string)
