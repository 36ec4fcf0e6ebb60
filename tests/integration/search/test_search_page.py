"""docs/search.md is true as it stands: every command in it is run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from earmark.jobs.models import PredictionSet
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.search.api.inputs import SearchInput
from earmark.search.selectors import Sort
from tests.api_client import make_user, with_token
from tests.factories import ClassifierVersionFactory
from tests.tag_harness import REPOSITORY

PAGE = (REPOSITORY / "docs" / "search.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]

pytestmark = pytest.mark.django_db


@pytest.fixture
def sounds(add: Callable[..., AudioFile], indexed: Callable[[], None]) -> AudioFile:
    AudioFile.objects.all().delete()
    add("Ambience/Rain on Metal.wav", ("Rain", 0.9), catid="RAINMetl")
    add("Doors/Door Slam.wav", ("Door", 0.9))
    file = add("Rain/On Tin.wav", ("Rain", 0.8), ("Thunder", 0.7), audio_hash="x", duration=3.0)
    listener = ClassifierVersionFactory(name="audioset", embedding_size=2)
    packed = np.array([1, 0], "<f2").tobytes()
    PredictionSet.objects.create(classifier=listener, audio_hash="x", scores=[], embedding=packed)
    indexed()
    return file


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = 0
    try:
        call_command("search", *words)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, capsys.readouterr().out


@pytest.mark.usefixtures("sounds")
def test_every_command_of_the_page_finds_something(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [rest for program, *rest in LINES if program == "earmark"]
    assert len(commands) == 7
    for _, *words in commands:
        status, out = run(capsys, *words)
        assert (status, bool(out)) == (0, True), words
        if "--json" in words:
            json.loads(out)


def test_every_request_of_the_page_is_answered(sounds: AudioFile, library: Library) -> None:
    client = with_token(make_user(Role.VIEWER, library))
    requests = [rest for program, *rest in LINES if program == "curl"]
    assert len(requests) == 6
    for words in requests:
        (url,) = (word for word in words if word.startswith("$EARMARK"))
        parts = urlsplit(url.removeprefix("$EARMARK").replace("/files/1/", f"/files/{sounds.pk}/"))
        query = dict(parse_qsl(parts.query))
        if "--data-urlencode" in words:
            query |= dict([words[-1].split("=", 1)])
        answer = client.get(parts.path, query)
        assert answer.status_code == 200, answer.content
        if not parts.path.endswith("similar"):
            assert answer.json()["results"], url


def test_the_page_names_every_filter_and_order() -> None:
    others = {"q", "cursor", "page_size", "fields", "facets", "sort"}
    for name in set(SearchInput().fields) - others:
        assert f"`{name}`" in PAGE, name
    for sort in Sort:
        assert sort.lstrip("-") in PAGE, sort


def test_the_command_says_when_nothing_is_found_and_what_may_have_been_meant(
    sounds: AudioFile, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("search", "thnder")
    assert end.value.code == 1
    assert "Did you mean: thunder?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("rain", "--limit", "0"),
        ("rain", "--library", "no such"),
        ("--sort", "relevance"),
        ("--sort=-confidence", "rain"),
    ],
)
def test_a_wrong_command_line_has_status_2(words: tuple[str, ...], data_dir: object) -> None:
    with pytest.raises(CommandError) as error:
        call_command("search", *words)
    assert error.value.returncode == 2
