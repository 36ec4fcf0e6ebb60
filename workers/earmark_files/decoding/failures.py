"""The sentences for what can be wrong with the content of a file."""

from __future__ import annotations

from earmark_files.decoding.source import Source
from earmark_files.errors import AudioFileError, ReadErrorCode


def _failure(source: Source, code: ReadErrorCode, message: str) -> AudioFileError:
    return AudioFileError(message, code=code, path=source.path)


def not_audio(source: Source) -> AudioFileError:
    """Nothing in the file's bytes says that it is a sound."""
    return _failure(
        source,
        ReadErrorCode.NOT_AUDIO,
        "The content is not sound in any known format, whatever the name says; remove the file "
        "from the library or restore the right one.",
    )


def unsupported_encoding(source: Source) -> AudioFileError:
    """The container is known, what it holds is not."""
    return _failure(
        source,
        ReadErrorCode.UNSUPPORTED_FORMAT,
        "The sound is stored in an encoding that cannot be decoded; convert it to a WAV or FLAC "
        "file.",
    )


def unsupported_shape(source: Source, sample_rate: int, channels: int) -> AudioFileError:
    """Sample rate or channels are beyond what recordings have."""
    return _failure(
        source,
        ReadErrorCode.UNSUPPORTED_FORMAT,
        f"A sound of {sample_rate} Hz with {channels} channels cannot be handled; if the header "
        "is wrong, repair it, else convert the file.",
    )


def changing_shape(source: Source) -> AudioFileError:
    """The sample rate or the number of channels is not constant."""
    return _failure(
        source,
        ReadErrorCode.UNSUPPORTED_FORMAT,
        "The sound changes its sample rate or channels in the middle; convert it to a WAV or "
        "FLAC file.",
    )


def truncated(source: Source) -> AudioFileError:
    """The file holds less sound than it promises."""
    return _failure(
        source,
        ReadErrorCode.TRUNCATED,
        "The file is cut short: it holds less sound than its header promises; copy it again "
        "from where it came from.",
    )


def no_samples(source: Source) -> AudioFileError:
    """The sound is zero samples long."""
    return _failure(
        source,
        ReadErrorCode.NO_SAMPLES,
        "The file holds no sound at all (0 samples); record or export it again.",
    )


def invalid_samples(source: Source, seconds: float) -> AudioFileError:
    """There are NaN or infinite samples, the first about `seconds` from the start."""
    return _failure(
        source,
        ReadErrorCode.INVALID_SAMPLES,
        f"Samples at about {seconds:.1f} s are not numbers (NaN or infinite); export the sound "
        "again from the program that made it.",
    )


def damaged(source: Source, reason: str | None) -> AudioFileError:
    """A decoder gave up."""
    detail = f" ({reason.strip(' .')})" if reason else ""
    return _failure(
        source,
        ReadErrorCode.DECODE_FAILED,
        f"The sound is damaged and cannot be decoded{detail}; copy the file again from where it "
        "came from.",
    )


def out_of_memory(source: Source) -> AudioFileError:
    """Decoding asked for more memory than there is, or than is allowed."""
    return _failure(
        source,
        ReadErrorCode.DECODE_MEMORY,
        "Decoding needs more memory than allowed, so the file is probably damaged; convert it to "
        "a WAV or FLAC file, or raise the limit.",
    )
