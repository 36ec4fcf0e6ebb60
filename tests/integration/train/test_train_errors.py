"""Whatever is wrong with a training is said in words, and nothing is half-installed."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from tests.training_sounds import make_classes


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    settings.EARMARK_CLASSIFIERS_DIR = tmp_path / "classifiers"
    settings.EARMARK_TRAINING_DIR = tmp_path / "training"
    torch.set_num_threads(1)
    return tmp_path


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classes(tmp_path_factory.mktemp("classes"), per_class=3)


def train(data: Path, *more: str, backend: str = "cnn", name: str = "mine") -> str:
    output = StringIO()
    call_command(
        *("train", backend, "--data", str(data), "--name", name, "--epochs", "1", *more),
        stdout=output,
    )
    return output.getvalue()


def refusal(home: Path, data: Path, *more: str, **how: str) -> tuple[str, int]:
    """Train in vain and return what was said, with the exit status."""
    with pytest.raises(CommandError) as refused:
        train(data, *more, **how)
    installed = [path for path in (home / "classifiers").rglob("*") if path.is_file()]
    assert installed == []
    return str(refused.value), refused.value.returncode


@pytest.mark.parametrize(
    ("more", "how", "words", "status"),
    [
        ((), {"backend": "cnm"}, r"unknown_backend: .*'cnm'.*cnn", 2),
        ((), {"name": "audioset"}, r"name_taken: .*'audioset'", 2),
        ((), {"name": "../mine"}, r"invalid_manifest: .*lower-case", 2),
        (("--augment", "echo"), {}, r"unknown_augmentation: .*echo.*time-shift", 2),
        (("--freeze", "2"), {}, r"bad_init: .*--init", 2),
        (("--init", "audioset"), {"backend": "rnn"}, r"bad_init: rnn cannot start", 2),
        (("--init", "cnn:nobody"), {}, r"classifier_unavailable: .*'nobody'", 2),
        (("--resume",), {}, r"checkpoint_unusable: .*without --resume", 1),
        pytest.param(
            *(("--device", "cuda"), {}, r"device_unavailable: .*'cuda'", 2),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here"),
        ),
    ],
)
def test_a_wrong_request_is_refused_with_the_reason(
    home: Path, sounds: Path, more: tuple[str, ...], how: dict[str, str], words: str, status: int
):
    said, code = refusal(home, sounds, *more, **how)
    assert re.match(words, said), said
    assert code == status


def without_a_class(data: Path) -> None:
    shutil.rmtree(data / "Rauschen")
    shutil.rmtree(data / "Pfeife ♪")


def empty_class(data: Path) -> None:
    (data / "empty").mkdir()


def one_sound(data: Path) -> None:
    for number in (1, 2):
        (data / "Rauschen" / f"{number:02}.wav").unlink()


def copies_only(data: Path) -> None:
    for number in (1, 2):
        shutil.copy(data / "Rauschen" / "00.wav", data / "Rauschen" / f"{number:02}.wav")


def unreadable_class(data: Path) -> None:
    for path in (data / "Rauschen").iterdir():
        path.write_bytes(b"RIFF" + path.name.encode())


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (without_a_class, "one_class", "two at least"),
        (empty_class, "empty_class", "'empty'"),
        (one_sound, "too_few_sounds", "'Rauschen'"),
        (copies_only, "too_few_sounds", "Copies"),
        (unreadable_class, "empty_class", "None of the sounds of 'Rauschen'"),
    ],
)
def test_data_one_cannot_learn_from_are_refused(
    home: Path, sounds: Path, spoil: Callable[[Path], None], code: str, words: str
):
    data = shutil.copytree(sounds, home / "data")
    spoil(data)
    said, status = refusal(home, data)
    assert said.startswith(f"{code}: ")
    assert words in said
    assert status == 1


@pytest.mark.django_db
def test_files_that_cannot_be_read_are_listed_and_the_others_used(
    home: Path, sounds: Path, capfd: pytest.CaptureFixture[str]
):
    data = shutil.copytree(sounds, home / "data")
    (data / "Rauschen" / "03.wav").write_bytes(b"no sound at all")

    report = json.loads(train(data, "--json", "--no-augment"))

    assert report["unreadable"] == [str(data / "Rauschen" / "03.wav")]
    assert "03.wav: not_audio: " in capfd.readouterr().err
    assert report["figures"]["validation_clips"] == 3


def test_one_training_of_a_name_at_a_time(home: Path, sounds: Path):
    (home / "training").mkdir()
    with (home / "training" / ".mine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said, status = refusal(home, sounds)
    assert said.startswith("training_running: ")
    assert status == 1
