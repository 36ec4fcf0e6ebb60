"""Every file that cannot be read is refused with the right code and a sentence for people."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earmark_files.decoding import probe, stream
from earmark_files.errors import AudioFileError, ReadErrorCode, from_os_error
from tests.audio_factory import Tone, write_samples, write_tone
from tests.broken_audio import BROKEN, pcm_header, riff, write_broken


def _error(path: Path) -> AudioFileError:
    with pytest.raises(AudioFileError) as caught:
        for _ in stream(path, sample_rate=16_000):
            pass
    return caught.value


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused(name: str, tmp_path: Path) -> None:
    path = write_broken(tmp_path, name)

    error = _error(path)

    assert error.code == BROKEN[name][0]
    assert error.path == path
    assert error.message[0].isupper()
    assert error.message.endswith(".")
    assert ";" in error.message, "says what to do about it"
    assert str(path) not in error.message


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_refused_file_leaves_no_descriptor_open(tmp_path: Path) -> None:
    path = write_broken(tmp_path, "cut flac-16 at 60 %")
    _error(path)  # whatever is loaded lazily is loaded now
    before = _open_descriptors()

    for _ in range(20):
        _error(path)

    assert _open_descriptors() == before


@pytest.fixture
def nobody() -> Iterator[None]:
    """Lose the rights of root for a while, who may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_unreadable_file_is_permission_denied(nobody: None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_tone(Path(folder), "wav-16", Tone())
        path.chmod(0)

        assert _error(path).code == "permission_denied"


def test_file_that_vanishes_after_opening_is_still_read(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-16", Tone(2.0))
    blocks = stream(path, sample_rate=16_000)
    path.unlink()

    assert sum(len(block) for block in blocks) == 32_000


@pytest.mark.parametrize("name", ["wav-16", "wav-24", "opus"])
def test_file_that_grows_while_it_is_read_is_refused(name: str, tmp_path: Path) -> None:
    path = write_tone(tmp_path, name, Tone(20.0, 48000, 2))
    blocks = stream(path, sample_rate=16_000)
    next(blocks)
    with path.open("ab") as file:
        file.write(bytes(100))

    with pytest.raises(AudioFileError) as caught:
        list(blocks)
    assert caught.value.code == "changed_during_run"
    assert caught.value.retryable


def test_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-16", Tone(60.0, 48000, 2))
    blocks = stream(path, sample_rate=16_000)
    next(blocks)
    os.truncate(path, 3_000_000)

    with pytest.raises(AudioFileError) as caught:
        list(blocks)
    assert caught.value.code == "changed_during_run"


def test_invalid_samples_are_placed_in_time(tmp_path: Path) -> None:
    error = _error(write_broken(tmp_path, "nan"))

    seconds = float(error.message.split(" s are")[0].rsplit(" ", 1)[1])
    assert seconds == pytest.approx(2.0, abs=1.5)


def test_stream_ends_after_an_error(tmp_path: Path) -> None:
    blocks = stream(write_broken(tmp_path, "nan"), sample_rate=16_000)
    with pytest.raises(AudioFileError):
        list(blocks)

    assert list(blocks) == []


def test_damage_behind_the_sound_does_not_matter(tmp_path: Path) -> None:
    path = write_tone(tmp_path, "wav-16", Tone(1.0, 16000, 1))
    path.write_bytes(path.read_bytes() + b"LIST\xff\xff\x00\x00INFO cut")

    assert sum(len(block) for block in stream(path, sample_rate=16_000)) == 16_000


@pytest.mark.parametrize("riff_size", [0, 0xFFFFFFFF, 100, 10_000_000])
def test_wrong_riff_size_does_not_matter(riff_size: int, tmp_path: Path) -> None:
    data = (np.arange(8000) % 100 * 50).astype("<i2").tobytes()
    path = tmp_path / "odd.wav"
    content = riff(pcm_header(16000, 1), b"data" + len(data).to_bytes(4, "little") + data)
    path.write_bytes(content[:4] + riff_size.to_bytes(4, "little") + content[8:])

    assert sum(len(block) for block in stream(path, sample_rate=16_000)) == 8000


def test_sound_in_foreign_encoding_is_left_to_ffmpeg(tmp_path: Path) -> None:
    """MP3 data inside a WAV, as sample libraries of the nineties have it."""
    import av

    path = tmp_path / "mp3.wav"
    tone = Tone(1.0, 44100, 1)
    with av.open(str(path), "w", format="wav") as output:
        encoder = output.add_stream("libmp3lame", rate=44100, layout="mono", format="fltp")
        frame = av.AudioFrame.from_ndarray(
            tone.samples().T.astype(np.float32).copy(), format="fltp", layout="mono"
        )
        frame.sample_rate = 44100
        output.mux(encoder.encode(frame))
        output.mux(encoder.encode(None))

    info = probe(path)

    assert (info.container, info.codec) == ("wav", "mp3")
    count = sum(len(block) for block in stream(path, sample_rate=16_000))
    assert count == pytest.approx(16_000, abs=1500)


def test_loud_float_samples_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    samples = Tone(1.0, 16000, 1, level=4.0).samples()
    write_samples(path, samples, 16000, format="WAV", subtype="FLOAT")

    decoded = np.concatenate(list(stream(path, sample_rate=16_000)))

    np.testing.assert_allclose(decoded, samples[:, 0], atol=1e-6)


def test_errors_survive_pickling() -> None:
    error = AudioFileError("Sentence.", code="truncated", path=b"/a\xff.wav", retryable=True)

    copy = pickle.loads(pickle.dumps(error))

    assert (copy.message, copy.code, copy.path, copy.retryable) == (
        "Sentence.",
        "truncated",
        b"/a\xff.wav",
        True,
    )
    assert str(copy) == "Sentence."


def test_disk_faults_may_be_tried_again_and_missing_files_not() -> None:
    import errno

    broken = from_os_error(OSError(errno.EIO, "Input/output error"))
    missing = from_os_error(FileNotFoundError(errno.ENOENT, "No such file"))

    assert (broken.code, broken.retryable) == (ReadErrorCode.DECODE_FAILED, True)
    assert (missing.code, missing.retryable) == (ReadErrorCode.FILE_NOT_FOUND, False)
