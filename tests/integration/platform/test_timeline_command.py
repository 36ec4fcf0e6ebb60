"""`manage.py timeline`: from the stored scores of windows to label tracks, tables and markers."""

from __future__ import annotations

import json
import re
import shlex
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.jobs.timeline import pack_timeline
from earmark.library.models import AudioFile
from earmark.library.services import register_library, scan_library
from earmark.tagging.knowledge import load_ontology
from earmark_files.identity import audio_identity
from earmark_files.metadata.markers import read_markers
from tests.factories import ClassifierVersionFactory

pytestmark = pytest.mark.django_db

NAMES = ["Animal", "Dog", "Bark", "Rain", "Patter"]
LABELS = [[node.id, node.name] for node in map(load_ontology().find, NAMES) if node]
PAGE = (Path(__file__).parents[3] / "docs" / "timeline.md").read_text("utf-8")


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory.create(name="audioset", version="1.0.0", labels=LABELS)


@pytest.fixture
def sounds(tmp_path: Path, data_dir: Path, classifier: ClassifierVersion) -> Path:
    """A library with a WAV file of 40 s, heard in windows of 5 s, and a FLAC file not heard."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    quiet = np.zeros(8000 * 40, np.float32)
    soundfile.write(folder / "Track 18.wav", quiet, 8000)
    soundfile.write(folder / "other.flac", quiet[:80], 8000)
    scan_library(library=register_library(root=folder, trusted=True))
    identify(folder / "Track 18.wav")
    identify(folder / "other.flac")
    scores = np.zeros((8, len(LABELS)), np.float32)
    scores[1], scores[6] = (0.9, 0.8, 0.7, 0.0, 0.9), (0.6, 0.5, 0.4, 0.0, 0.0)
    scores[:, 3] = (0.2, 0.2, 0.3, 0.2, 0.05, 0.0, 0.0, 0.0)
    keep(classifier, folder / "Track 18.wav", scores)
    return folder


def identify(path: Path) -> None:
    AudioFile.objects.filter(path=path.name).update(audio_hash=audio_identity(path).hash)


def keep(classifier: ClassifierVersion, path: Path, scores: np.ndarray) -> None:
    times = [(5.0 * n, 5.0 * n + 5.0) for n in range(len(scores))]
    PredictionSet.objects.create(
        classifier=classifier,
        audio_hash=audio_identity(path).hash,
        scores=[],
        timeline=pack_timeline(scores, times),
    )


def run(*arguments: str | Path) -> str:
    out = StringIO()
    call_command("timeline", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def fail(*arguments: str | Path) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(CommandError) as told:
        call_command("timeline", *map(str, arguments), stdout=out, stderr=out)
    return told.value.returncode, out.getvalue() + str(told.value)


def test_the_label_track_names_the_most_specific_sound_at_each_time(sounds: Path):
    assert run(sounds / "Track 18.wav") == (
        "0.000000\t20.000000\tRain\n5.000000\t10.000000\tBark\n30.000000\t35.000000\tBark\n"
    )


def test_rows_and_json_tell_scores_label_and_classifier(sounds: Path):
    path = sounds / "Track 18.wav"
    heading, *rows = run("--format", "csv", path).splitlines()
    assert heading == "file,start,end,tag,score,mean,label,label_id,classifier"
    assert rows[1] == f"{path},5.000,10.000,Bark,0.698,0.698,Bark,/m/05tny_,audioset@1.0.0"
    told = json.loads(run("--format", "json", path))
    assert told["classifier"] == "audioset@1.0.0"
    assert told["segments"][0]["tag"] == "Rain"
    assert told["segments"][0]["score"] == pytest.approx(0.3, abs=0.003)
    assert told["segments"][0]["mean"] == pytest.approx(0.225, abs=0.003)


def test_thresholds_gaps_lengths_and_labels_can_be_chosen(sounds: Path):
    path = sounds / "Track 18.wav"
    assert (
        run("--threshold", "0.5", path) == "5.000000\t10.000000\tBark\n30.000000\t35.000000\tDog\n"
    )
    assert run("--threshold", "0.5", "--merge-gap", "20", path).count("Bark") == 1
    assert run("--min-length", "6", path) == "0.000000\t20.000000\tRain\n"
    assert "15.000000\tRain" in run("--off", "0.25", path).replace("10.000000\t15", "15")
    assert {"Animal", "Patter", "Dog"} <= set(run("--all-labels", path).split())


def test_a_folder_gives_one_table_and_a_line_for_each_file_that_was_not_heard(sounds: Path):
    code, text = fail("--format", "csv", sounds)
    assert code == 1
    assert text.count("audioset@1.0.0") == 3
    assert "other.flac: There is no timeline of this file by 'audioset'." in text
    assert "[no_timeline]" in text


def test_exports_lie_in_the_folder_under_the_names_of_the_sounds(sounds: Path, tmp_path: Path):
    out = tmp_path / "labels"
    run("--out", out, sounds / "Track 18.wav")
    run("--out", out, "--format", "json", sounds / "Track 18.wav")
    assert sorted(p.name for p in out.iterdir()) == [
        "Track 18.wav.labels.txt",
        "Track 18.wav.segments.json",
    ]
    edited = out / "Track 18.wav.labels.txt"
    edited.write_text("a person's own work")
    code, text = fail("--out", out, sounds / "Track 18.wav")
    assert (code, edited.read_text()) == (1, "a person's own work")
    assert "[already_there]" in text


def test_a_copy_gets_markers_and_the_sound_stays(sounds: Path, tmp_path: Path):
    path, out = sounds / "Track 18.wav", tmp_path / "copies"
    content = path.read_bytes()
    run("--format", "cue", "--out", out, path)
    assert path.read_bytes() == content
    told = [found.marker for found in read_markers(out / path.name)]
    assert [(m.start, m.end, m.name) for m in told] == [
        (0.0, 20.0, "Rain"),
        (5.0, 10.0, "Bark"),
        (30.0, 35.0, "Bark"),
    ]
    assert told[1].detail == "Earmark: Bark, 5.000-10.000 s, audioset@1.0.0 0.70"
    assert fail("--format", "cue", "--out", out, path)[0] == 1
    assert [p.name for p in out.iterdir()] == [path.name]


def test_markers_in_the_file_are_undone_removed_and_known_to_the_library(sounds: Path):
    path = sounds / "Track 18.wav"
    content = path.read_bytes()
    assert "written, 3 markers" in run("--write-markers", path)
    assert len(read_markers(path)) == 3
    assert "unchanged, 3 markers" in run("--write-markers", path)
    report = scan_library(library=AudioFile.objects.get(path=path.name).library)
    assert (report.changed, report.added) == (0, 0)
    call_command("metadata", "undo", str(path), stdout=StringIO())
    assert path.read_bytes() == content
    scan_library(library=AudioFile.objects.get(path=path.name).library)
    identify(path)
    run("--write-markers", path)
    assert "written, 0 markers" in run("--remove-markers", path)
    assert path.read_bytes() == content


def test_markers_are_removed_whoever_is_the_classifier_now(sounds: Path):
    path = sounds / "Track 18.wav"
    content = path.read_bytes()
    run("--write-markers", path)
    PredictionSet.objects.all().delete()
    assert "written, 0 markers" in run("--remove-markers", "--classifier", "another", path)
    assert path.read_bytes() == content


def test_a_file_that_changed_since_is_not_described_by_what_it_was(sounds: Path):
    path = sounds / "Track 18.wav"
    soundfile.write(path, np.zeros(800, np.float32), 8000)
    code, text = fail("--write-markers", path)
    assert code == 1
    assert "[file_changed]" in text
    path.unlink()
    assert "[file_changed]" in fail(path)[1]


def test_the_newest_version_that_heard_the_file_is_asked_or_the_one_named(sounds: Path):
    newer = ClassifierVersionFactory.create(
        name="audioset", version="2.0.0", labels=LABELS[3:], installed=False
    )
    ClassifierVersionFactory.create(
        name="audioset", version="3.0.0", labels=LABELS, installed=False
    )
    path = sounds / "Track 18.wav"
    keep(newer, path, np.full((8, 2), 0.9, np.float32))
    assert run(path) == "0.000000\t40.000000\tRain\n"
    assert "Bark" in run("--classifier", "audioset@1.0.0", path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "cue"],
        ["--write-markers", "--out", "x"],
        ["--threshold", "0"],
        ["--threshold", "0.2", "--off", "0.3"],
        ["--merge-gap", "-1"],
        ["--out", "/dev/null/x"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_status_2(sounds: Path, arguments: list[str]):
    assert fail(*arguments, sounds / "Track 18.wav")[0] == 2


def test_label_tracks_of_several_sounds_are_not_run_together(sounds: Path, tmp_path: Path):
    for paths in ([sounds], [sounds / "Track 18.wav"] * 2):
        code, text = fail(*paths)
        assert code == 2
        assert "--out DIR" in text


def test_sounds_nobody_has_tagged_are_told_with_the_way_out(tmp_path: Path, data_dir: Path):
    code, text = fail("--format", "csv", tmp_path)
    assert code == 1
    assert "[unknown_file]" in text
    assert "earmark tag" in text


def test_every_command_of_the_page_works(sounds: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert len(lines) >= 6
    (sounds / "other.flac").unlink()
    scan_library(library=AudioFile.objects.get(path="Track 18.wav").library)
    for line in lines:
        program, *words = shlex.split(line.partition(" > ")[0])
        assert program == "earmark"
        replaced = [word.replace("/path/to/sounds", str(sounds)) for word in words]
        call_command(*replaced, stdout=StringIO(), stderr=StringIO())
