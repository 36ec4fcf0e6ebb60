"""Listening to files and looking at them through the API; and those who want something else."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.signals import request_finished
from django.db import close_old_connections
from PIL import Image
from rest_framework.test import APIClient

from earmark.library.models import AudioFile
from earmark.library.sound import drawing
from earmark.library.sound.errors import DrawingBusyError
from earmark.library.sound.opening import open_sound
from earmark.library.sound.streaming import CHUNK_BYTES, SoundBody, SoundShrankError
from earmark_files.paths import path_to_text
from tests.api_client import make_user, with_token
from tests.factories import AudioFileFactory, LibraryFactory
from tests.tag_harness import sine

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def library(root: Path, data_dir: Path):
    return LibraryFactory(root=path_to_text(root))


@pytest.fixture
def client() -> APIClient:
    return with_token(make_user(superuser=True))


@pytest.fixture
def file(root: Path, library) -> AudioFile:
    return add(library, sine(root / "tone.wav", seconds=20))


@pytest.fixture(autouse=True)
def no_descriptor_is_left_open() -> Iterator[None]:
    """Every answer closes its file, also those nobody reads."""
    yield
    held = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert [name for name in held if "/sounds/" in name] == []


def add(library, path: Path, **values) -> AudioFile:
    relative = path_to_text(path.relative_to(Path(os.fsdecode(library.root))))
    return AudioFileFactory(library=library, path=relative, **values)


def body_of(answer) -> bytes:
    """Read an answer as a server does."""

    async def collect() -> bytes:
        return b"".join([piece async for piece in answer])

    return asyncio.run(collect())


def open_files() -> list[Path]:
    """Return what this process holds open."""
    return [link.resolve() for link in Path("/proc/self/fd").iterdir()]


def hang_up(answer) -> None:
    """Close an answer unread, as a server does; the database of the test stays open."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def address(file: AudioFile, what: str = "audio") -> str:
    return f"/api/v1/files/{file.pk}/{what}"


def test_a_file_comes_as_it_is(client: APIClient, file: AudioFile):
    answer = client.get(address(file))

    assert answer.status_code == 200
    assert body_of(answer) == file.location.read_bytes()
    assert int(answer["Content-Length"]) == file.location.stat().st_size > CHUNK_BYTES
    assert answer["Content-Type"] == "audio/wav"
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Disposition"] == 'inline; filename="tone.wav"'
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "wanted", ["0-99", "1000-", "-500", f"{CHUNK_BYTES - 5}-{CHUNK_BYTES + 5}"]
)
def test_a_range_is_a_part_of_it(client: APIClient, file: AudioFile, wanted: str):
    answer = client.get(address(file), headers={"range": f"bytes={wanted}"})

    assert answer.status_code == 206
    data = file.location.read_bytes()
    place, _, size = answer["Content-Range"].removeprefix("bytes ").partition("/")
    first, last = map(int, place.split("-"))
    assert body_of(answer) == data[first : last + 1]
    assert (int(size), int(answer["Content-Length"])) == (len(data), last + 1 - first)


def test_a_range_behind_the_end_is_refused_with_the_size(client: APIClient, file: AudioFile):
    answer = client.get(address(file), headers={"range": "bytes=99999999-"})

    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer["Content-Range"] == f"bytes */{file.location.stat().st_size}"


def test_a_client_that_has_it_is_told_so_and_a_part_of_another_version_is_not_continued(
    client: APIClient, file: AudioFile
):
    etag = client.head(address(file))["ETag"]
    ask = {"range": "bytes=0-9", "if-range": etag}

    assert client.get(address(file), headers={"if-none-match": etag}).status_code == 304
    part = client.get(address(file), headers=ask)
    assert (part.status_code, body_of(part)[:4]) == (206, b"RIFF")

    sine(file.location, seconds=21)  # somebody replaces it
    whole = client.get(address(file), headers=ask)
    assert whole.status_code == 200
    assert body_of(whole) == file.location.read_bytes()


def test_a_question_about_the_headers_reads_nothing(client: APIClient, file: AudioFile):
    answer = client.head(address(file), headers={"range": "bytes=0-9"})

    assert (answer.status_code, answer["Content-Length"]) == (206, "10")
    assert not answer.streaming


def test_an_answer_nobody_reads_closes_the_file(client: APIClient, file: AudioFile):
    answer = client.get(address(file))
    assert file.location in open_files()

    hang_up(answer)

    assert file.location not in open_files()


def test_a_file_that_shrinks_meanwhile_does_not_look_complete(file: AudioFile):
    sound = open_sound(file)
    body = SoundBody(sound, 0, sound.size)
    os.truncate(file.location, CHUNK_BYTES)

    async def read() -> list[bytes]:
        return [piece async for piece in body]

    with pytest.raises(SoundShrankError):
        asyncio.run(read())


@pytest.mark.parametrize("what", ["audio", "peaks", "peaks.dat", "spectrogram.png"])
def test_a_file_that_is_gone_is_named_so(client: APIClient, file: AudioFile, what: str):
    file.location.unlink()

    answer = client.get(address(file, what), headers={"accept": "audio/wav"})

    assert (answer.status_code, answer.json()["code"]) == (404, "sound_missing")


@pytest.mark.parametrize("what", ["audio", "peaks", "spectrogram.png"])
def test_what_leads_out_of_the_library_is_not_opened(
    client: APIClient, library, root: Path, tmp_path: Path, what: str
):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = sine(outside / "secret.wav")
    (root / "link.wav").symlink_to(secret)
    (root / "folder").symlink_to(outside)
    os.mkfifo(root / "pipe.wav")
    (root / "inner").mkdir()
    wrong = [
        "link.wav",
        "folder/secret.wav",
        "pipe.wav",
        "inner",
        "../outside/secret.wav",
        "inner/../../outside/secret.wav",
        "/etc/hostname",
        str(secret),
        "",
        ".",
    ]
    for path in wrong:
        file = AudioFileFactory(library=library, path=path)
        answer = client.get(address(file, what))
        assert (answer.status_code, answer.json()["code"]) == (404, "sound_missing"), path
        assert str(tmp_path) not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('a"b.wav', r'inline; filename="a\"b.wav"'),
        ("a\r\nSet-Cookie: x=1.wav", r'inline; filename="a\\x0d\\x0aSet-Cookie: x=1.wav"'),
        ("Tür.wav", "inline; filename*=utf-8''T%C3%BCr.wav"),
        ("\u202egnp.wav", r'inline; filename="\\u202egnp.wav"'),
        (os.fsdecode(b"\xff.wav"), r'inline; filename="\\xff.wav"'),
    ],
)
def test_no_name_writes_headers(client: APIClient, library, root: Path, name: str, shown: str):
    sine(root / "plain.wav").rename(root / name)  # libsndfile cannot write all of them
    answer = client.get(address(add(library, root / name)))

    assert answer.status_code == 200
    hang_up(answer)
    assert answer["Content-Disposition"] == shown
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "container", "kind"),
    [
        ("a.wav", "flac", "audio/flac"),
        ("a.M4A", "", "audio/mp4"),
        ("a.html", "", "application/octet-stream"),
        ("a", "", "application/octet-stream"),
    ],
)
def test_the_content_and_not_the_name_says_what_it_is(
    client: APIClient, library, root: Path, name: str, container: str, kind: str
):
    sine(root / "a.wav").rename(root / name)
    assert client.head(address(add(library, root / name, container=container)))["Content-Type"] == (
        kind
    )


def test_the_waveform_is_that_of_the_file_in_both_forms(client: APIClient, file: AudioFile):
    answer = client.get(address(file, "peaks"), {"points": 100})

    peaks = answer.json()
    assert (answer.status_code, peaks["version"], peaks["bits"]) == (200, 2, 8)
    assert peaks["sample_rate"] == 16_000
    assert len(peaks["data"]) == 2 * peaks["length"] <= 200
    assert peaks["length"] * peaks["samples_per_pixel"] >= 320_000
    assert set(peaks["data"][10:20]) == {-64, 64}
    binary = client.get(address(file, "peaks.dat"), {"points": 100})
    assert np.frombuffer(binary.content[24:], np.int8).tolist() == peaks["data"]
    again = client.get(
        address(file, "peaks"), {"points": 100}, headers={"if-none-match": answer["ETag"]}
    )
    assert again.status_code == 304


def test_the_spectrogram_is_a_picture_of_the_size_that_was_asked_for(
    client: APIClient, file: AudioFile
):
    answer = client.get(address(file, "spectrogram.png"), {"width": 300, "height": 80})

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (300, 80)
    brightness = np.asarray(picture.convert("L"), np.float32).mean(axis=1)
    # 440 Hz between 40 Hz and 8 kHz, on a logarithmic scale, from below.
    place = 1 - np.log(440 / 40) / np.log(8000 / 40)
    assert abs(brightness.argmax() / 80 - place) < 0.03


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("peaks", {"points": 0}),
        ("peaks", {"points": 8193}),
        ("peaks", {"points": "many"}),
        ("peaks.dat", {"bits": 24}),
        ("spectrogram.png", {"width": 100_000}),
        ("spectrogram.png", {"height": -1}),
    ],
)
def test_sizes_have_bounds(client: APIClient, file: AudioFile, what: str, query: dict):
    answer = client.get(address(file, what), query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


def test_what_is_no_sound_is_refused_with_the_reason(client: APIClient, library, root: Path):
    (root / "a.wav").write_bytes(b"not audio at all")
    file = add(library, root / "a.wav")

    for what in ("peaks", "spectrogram.png"):
        answer = client.get(address(file, what))
        assert (answer.status_code, answer.json()["code"]) == (422, "not_audio")


def test_a_waveform_is_drawn_once_and_tags_written_into_the_file_change_nothing(
    client: APIClient, library, root: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn = []
    draw = drawing._push_all
    monkeypatch.setattr(drawing, "_push_all", lambda *args: (drawn.append(1), draw(*args)))
    path = sine(root / "a.wav")
    seen = {"size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns}
    first = add(library, path, audio_hash="same", **seen)
    copy = root / "b.wav"
    soundfile.write(copy, *soundfile.read(path))
    other = add(library, copy, audio_hash="same", size=copy.stat().st_size)
    AudioFile.objects.filter(pk=other.pk).update(mtime_ns=copy.stat().st_mtime_ns)

    for file in (first, first, other):
        assert client.get(address(file, "peaks")).status_code == 200
    assert len(drawn) == 1

    sine(path, seconds=3)  # changed since the scan: the identity says nothing of it
    assert client.get(address(first, "peaks")).status_code == 200
    assert len(drawn) == 2


def test_a_page_of_waveforms_starts_few_decoders(library, root: Path):
    files = [add(library, sine(root / f"{number}.wav", seconds=1)) for number in range(12)]
    files = list(AudioFile.objects.filter(pk__in=[one.pk for one in files]).select_related())
    before = threading.active_count()

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(drawing.get_peaks, files))

    assert len(found) == 12
    assert len(drawing._decoders._idle) <= drawing.DECODERS
    assert threading.active_count() <= before


def test_who_would_wait_too_long_is_told_so(file: AudioFile, monkeypatch: pytest.MonkeyPatch):
    decoders = drawing._Decoders()
    decoders._places = threading.BoundedSemaphore(1)

    with decoders.take(), pytest.raises(DrawingBusyError), decoders.take():
        pass
    with decoders.take():
        pass  # the place is free again


def test_who_may_not_see_the_library_sees_no_sound(file: AudioFile):
    stranger = with_token(make_user())
    for what in ("audio", "peaks", "peaks.dat", "spectrogram.png"):
        assert stranger.get(address(file, what)).status_code == 404


def test_a_file_that_holds_longer_than_anybody_looks_is_not_drawn(
    client: APIClient, file: AudioFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(drawing, "LONGEST_S", 7)

    answer = client.get(address(file, "peaks"))

    assert (answer.status_code, answer.json()["code"]) == (422, "sound_too_long")
