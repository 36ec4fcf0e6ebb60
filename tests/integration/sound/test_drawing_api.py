"""Looking at files through the API: waveforms and spectrograms."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from rest_framework.test import APIClient

from earmark.library.models import AudioFile
from earmark.library.sound import drawing
from earmark.library.sound.errors import DrawingBusyError
from tests.integration.sound.sounds import add, address
from tests.tag_harness import sine

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_descriptor_is_left_open")]


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


def test_a_file_that_holds_longer_than_anybody_looks_is_not_drawn(
    client: APIClient, file: AudioFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(drawing, "LONGEST_S", 7)

    answer = client.get(address(file, "peaks"))

    assert (answer.status_code, answer.json()["code"]) == (422, "sound_too_long")
