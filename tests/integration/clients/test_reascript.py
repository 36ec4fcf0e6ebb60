"""The ReaScript in a real Lua against a real server; only REAPER's own functions are stubs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from earmark.accounts.scopes import Scope
from earmark.library.access import Role
from earmark.tagging.models import Tag
from tests.api_client import make_token, make_user
from tests.factories import AudioFileFactory, LibraryFactory
from tests.live_server import live_server
from tests.servers import free_port
from tests.tag_harness import REPOSITORY

SCRIPT = REPOSITORY / "clients" / "reaper" / "earmark_lookup.lua"
STUB = Path(__file__).with_name("reaper_stub.lua")


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    with live_server() as address:
        yield address


def run(
    folder: Path, *answers: str, items: list[tuple[str, str, str]]
) -> tuple[list[tuple[str, str]], str, str]:
    """Return notes and name of each item, what the user was told, and the undo point."""
    lua = shutil.which("lua5.4")
    assert lua is not None, "install lua5.4 (apt-get install lua5.4)"
    told = folder / "told"
    words = ["=".join(item) for item in items]
    subprocess.run([lua, STUB, SCRIPT, told, *answers, *words], check=True, timeout=60)
    *values, _ = told.read_bytes().decode("utf-8").split("\0")
    named = list(zip(values[::2], values[1::2], strict=True))
    notes = [value for name, value in named if name == "notes"]
    names = [value for name, value in named if name == "name"]
    return list(zip(notes, names, strict=True)), dict(named)["message"], dict(named)["undo"]


def test_the_tags_of_selected_items_become_notes_and_names(server: str, tmp_path: Path):
    library = LibraryFactory(root="/srv/sounds")
    path = 'Hunde/Wau "1", Größe 𝄞.wav'
    file = AudioFileFactory(library=library, path=path)
    AudioFileFactory(library=library, path="untagged.wav")
    for name, confidence in (("Bark", 0.9), ("Dog, big", 0.8)):
        Tag.objects.create(
            file=file,
            name=name,
            confidence=confidence,
            origin="classifier",
            label=name,
            created_at=timezone.now(),
        )
    token = make_token(make_user(Role.VIEWER, library), [Scope.READ])
    here = f"Z:\\sounds\\{path}".replace("/", "\\")
    file_name = path.partition("/")[2]
    items = [
        (here, "", file_name),
        (here, "A person's words\nEarmark: old", "A person's name"),
        (here, "", file_name.removesuffix(".wav")),
        ("Z:\\sounds\\untagged.wav", "", ""),
        ("C:\\other.wav", "stays", "stays"),
    ]

    done, message, undo = run(
        tmp_path, server + "/", token, "Z:\\sounds", "/srv/sounds", "both", items=items
    )

    assert done == [
        ("Earmark: Bark, Dog, big", "Bark, Dog, big"),
        ("A person's words\nEarmark: Bark, Dog, big", "A person's name"),
        ("Earmark: Bark, Dog, big", "Bark, Dog, big"),
        ("", ""),
        ("stays", "stays"),
    ]
    assert message == (
        "3 items have their tags.\n2 are not known to Earmark, or have no tags.\n"
        "1 takes keep the name that somebody gave them."
    )
    assert undo == "begin|Earmark: tags of items"

    item = [(here, "", "stays")]
    mapped = ("Z:\\sounds", "/srv/sounds")
    done, _, _ = run(tmp_path, server, token, *mapped, "notes", items=item)
    assert done == [("Earmark: Bark, Dog, big", "stays")]
    done, message, undo = run(tmp_path, server, "em_wrong", *mapped, "notes", items=item)
    assert (done, undo) == ([("", "stays")], "")
    assert "token" in message.lower()


def test_a_server_that_is_away_and_a_wrong_answer_are_told_and_change_nothing(tmp_path: Path):
    address = f"http://127.0.0.1:{free_port()}"
    for answers, words in [
        ((address, "em_x", "", "", "notes"), "The server cannot be reached"),
        ((address, "em_x", "", "", "somewhere"), "not to somewhere"),
    ]:
        done, message, undo = run(tmp_path, *answers, items=[("/a.wav", "n", "a")])
        assert (done, undo) == ([("n", "a")], "")
        assert words in message
    assert run(tmp_path, *answers, items=[])[1].startswith("Select the items")
