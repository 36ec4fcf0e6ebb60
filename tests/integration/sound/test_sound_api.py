"""Listening to files through the API; and those who want something else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from rest_framework.test import APIClient

from earmark.library.models import AudioFile
from earmark.library.sound.opening import open_sound
from earmark.library.sound.streaming import CHUNK_BYTES, SoundBody, SoundShrankError
from tests.api_client import make_user, with_token
from tests.factories import AudioFileFactory
from tests.integration.sound.sounds import add, address
from tests.tag_harness import sine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_descriptor_is_left_open")]


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


def test_who_may_not_see_the_library_sees_no_sound(file: AudioFile):
    stranger = with_token(make_user())
    for what in ("audio", "peaks", "peaks.dat", "spectrogram.png"):
        assert stranger.get(address(file, what)).status_code == 404
