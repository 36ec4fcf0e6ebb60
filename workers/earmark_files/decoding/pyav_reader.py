"""Decoding through FFmpeg's libraries (PyAV): what libsndfile cannot read, or reads slower."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from earmark_files.decoding import failures
from earmark_files.decoding.reader import SAMPLES_PER_READ, AudioInfo, mean_of_channels
from earmark_files.decoding.sniff import Container
from earmark_files.decoding.source import Source
from earmark_files.errors import from_os_error

# The demuxer is named, so FFmpeg does not guess: a playlist or script that names other files or
# hosts is never interpreted.
_DEMUXERS = {
    Container.WAV: "wav",
    Container.RF64: "wav",
    Container.W64: "w64",
    Container.AIFF: "aiff",
    Container.FLAC: "flac",
    Container.OGG: "ogg",
    Container.MP3: "mp3",
    Container.CAF: "caf",
    Container.AU: "au",
    Container.MP4: "mp4",
    Container.AAC: "aac",
    Container.ASF: "asf",
    Container.MATROSKA: "matroska",
    Container.WAVPACK: "wv",
}
# Large packets halve the cost of 24-bit PCM; the other demuxers have no such option.
_DEMUXER_OPTIONS = {"wav": {"max_size": "262144"}}

# By how many seconds decoding may fall short of the stated duration: codec delay and padding where
# it is exact, more where it is written in milliseconds or includes a start-up time. Loss that the
# decoder skips silently is found this way. More than stated is fine: chained Ogg streams are.
_SLACK_SECONDS = {
    Container.OGG: 0.2,
    Container.WAVPACK: 0.2,
    Container.MATROSKA: 0.5,
    Container.ASF: 0.5,
}

_DISK_FAULTS = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT})


class _SampleFormat(NamedTuple):
    """How FFmpeg stores a sample, and ``(stored + offset) * scale`` to make it a sample value."""

    dtype: type[np.generic]
    offset: float
    scale: float


_SAMPLE_FORMATS = {
    "u8": _SampleFormat(np.uint8, -128.0, 1 / 128),
    "s16": _SampleFormat(np.int16, 0.0, 1 / 32768),
    "s32": _SampleFormat(np.int32, 0.0, 1 / 2**31),
    "s64": _SampleFormat(np.int64, 0.0, 1 / 2**63),
    "flt": _SampleFormat(np.float32, 0.0, 1.0),
    "dbl": _SampleFormat(np.float64, 0.0, 1.0),
}


class PyAVReader:
    """A `Reader` over PyAV.

    The first frame is decoded at once: only then are the sample rate and the channels of some
    codecs (HE-AAC) known for certain.

    Raises
    ------
    AudioFileError
        ``unsupported_format``, ``no_samples`` or ``decode_failed``.
    """

    def __init__(self, source: Source, container: Container) -> None:
        self._source = source
        source.rewind()
        demuxer = _DEMUXERS[container]
        with _translated(source):
            self._container = av.open(
                "fd:",
                format=demuxer,
                options={
                    "fd": str(source.fd),
                    "protocol_whitelist": "fd",
                    **_DEMUXER_OPTIONS.get(demuxer, {}),
                },
                metadata_errors="replace",
            )
        try:
            self._start(container)
        except BaseException:
            self.close()
            raise

    def _start(self, container: Container) -> None:
        if not self._container.streams.audio:
            raise failures.no_samples(self._source)
        with _translated(self._source):
            self._stream = self._container.streams.audio[0]
            if self._stream.codec_context is None:  # PyAV's stubs say that it never is
                raise failures.unsupported_encoding(self._source)
            self._stream.codec_context.thread_count = 1  # files are decoded side by side instead
            self._frames = self._decoded(junk_may_follow=container is Container.MP3)
            first = next(self._frames, None)
        if first is None:
            raise failures.no_samples(self._source)
        self._channels = first.layout.nb_channels
        self._format = _SAMPLE_FORMATS[first.format.name.removesuffix("p")]
        self._queue = av.AudioFifo()
        self._frames_per_read = max(1024, SAMPLES_PER_READ // self._channels)
        self._first: AudioFrame | None = first
        self._ended = False
        self.info = self._describe(container, first)
        self.least_frames = self._least_frames(container)

    def _decoded(self, *, junk_may_follow: bool) -> Iterator[AudioFrame]:
        """Yield the frames of the stream.

        MPEG audio often ends in half a frame or in foreign tags, which is no damage: what cannot
        be decoded is only reported there once more sound follows it.
        """
        junk: av.error.InvalidDataError | None = None
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError as error:
                if not junk_may_follow:
                    raise
                junk = error
                continue
            if frames and junk is not None:
                raise junk
            yield from frames

    def _describe(self, container: Container, first: AudioFrame) -> AudioInfo:
        stream = self._stream
        duration: float | None = None
        if stream.duration is not None and stream.time_base is not None:
            duration = float(stream.duration * stream.time_base) - self._opus_pre_skip(container)
        elif self._container.duration is not None:
            duration = self._container.duration / av.time_base
        codec = stream.codec_context.codec.canonical_name
        if codec.startswith("pcm_"):
            codec = codec.removesuffix("le").removesuffix("be")
        return AudioInfo(
            duration=duration,
            sample_rate=first.sample_rate,
            channels=first.layout.nb_channels,
            frames=None,
            container=container.value,
            codec=codec,
        )

    def _least_frames(self, container: Container) -> int:
        slack = _SLACK_SECONDS.get(container)
        # The duration of a film is that of its pictures.
        alone = len(self._container.streams) == 1
        if slack is None or self.info.duration is None or not alone:
            return 0
        return max(0, int((self.info.duration - slack) * self.info.sample_rate))

    def _opus_pre_skip(self, container: Container) -> float:
        """Seconds at the start of Ogg Opus that are counted, but not played (RFC 7845, 5.1)."""
        head = self._stream.codec_context.extradata or b""
        if container is not Container.OGG or not head.startswith(b"OpusHead"):
            return 0.0
        return int.from_bytes(head[10:12], "little") / 48_000

    def read(self) -> npt.NDArray[np.float32] | None:
        """See `Reader.read`."""
        with _translated(self._source):
            self._fill()
            frame = self._queue.read(self._frames_per_read, partial=self._ended)
        if frame is None or frame.samples == 0:
            return None
        return mean_of_channels(self._channel_views(frame), self._format.scale, self._format.offset)

    def _channel_views(self, frame: AudioFrame) -> list[npt.NDArray[Any]]:
        """Return one view per channel into the frame's memory.

        Not `AudioFrame.to_ndarray`: in PyAV 18 it takes eight planes for nine and crashes.
        """
        dtype, planes = self._format.dtype, frame.planes
        if frame.format.is_planar:
            return [
                np.frombuffer(memoryview(planes[channel]), dtype, count=frame.samples)
                for channel in range(self._channels)
            ]
        packed = np.frombuffer(memoryview(planes[0]), dtype, count=frame.samples * self._channels)
        return list(packed.reshape(-1, self._channels).T)

    def _fill(self) -> None:
        """Collect frames, most of which hold some 20 ms, until a read is worth its cost."""
        while self._queue.samples < self._frames_per_read:
            frame = self._first or next(self._frames, None)
            self._first = None
            if frame is None:
                self._ended = True
                return
            if (frame.sample_rate, frame.layout.nb_channels) != (
                self.info.sample_rate,
                self._channels,
            ):
                raise failures.changing_shape(self._source)
            frame.pts = None  # the queue would take a gap in the timestamps for an error
            self._queue.write(frame)

    def close(self) -> None:
        """See `Reader.close`."""
        self._container.close()


@contextmanager
def _translated(source: Source) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise  # FFmpeg's is one too; the stream knows the sentence for it
    except (av.error.DecoderNotFoundError, av.error.PatchWelcomeError) as error:
        raise failures.unsupported_encoding(source) from error
    except av.error.FFmpegError as error:
        source.require_unchanged()
        if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
            raise from_os_error(error, source.path) from error
        raise failures.damaged(source, error.strerror) from error
