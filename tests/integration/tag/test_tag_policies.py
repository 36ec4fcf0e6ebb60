"""What `tag` does with policies and with people's words, and every command of docs/tagging.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from earmark_files.metadata import TagSet, apply, plan_write, read_tags
from tests.tag_harness import REPOSITORY, Installation, noise, sine

PAGE = (REPOSITORY / "docs" / "tagging.md").read_text("utf-8")


SHELL = """
import contextlib, os, shlex, sys
from earmark.__main__ import main

lines = iter(sys.stdin.read().splitlines())
for line in lines:
    words = shlex.split(line)
    if words[:2] == ["cat", ">"]:
        with open(words[2], "w") as file:
            file.writelines(text + "\\n" for text in iter(lines.__next__, "END"))
        continue
    place = words[-1] if ">" in words else os.devnull
    sys.argv = words[:-2] if ">" in words else words
    with open(place, "w") as out, contextlib.redirect_stdout(out if ">" in words else sys.stdout):
        try:
            main()
        except SystemExit as end:
            if end.code:
                sys.exit(f"{line} ended with {end.code}")
"""
"""Runs the commands of a page in one process: each start of another would take a second."""


def test_every_command_of_the_page_works_in_its_order(
    installation: Installation, tmp_path: Path
) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    noise(sounds / "Track 18.wav")
    script = "".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        input=script.replace("/path/to/sounds", str(sounds)),
        env=installation.environment | {"EARMARK_CLASSIFIER": "bands"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no dialogue here" in done.stdout
    told = json.loads((tmp_path / "why.json").read_text("utf-8"))
    tags = {tag["tag"]: tag for tag in told["tags"]}
    assert tags["Weißes Rauschen"]["origin"] == "translation"
    assert told["basis"]["settings"]["denied"] == ["Music", "Speech"]
    assert "Test tone" in (tmp_path / "words.csv").read_text("utf-8")


def test_a_file_is_called_tagged_only_while_its_present_tags_are_in_it(
    installation: Installation, library: Path
) -> None:
    noise(library / "a.wav")
    status = lambda *args: installation.tag(*args, library).records["a.wav"]["status"]  # noqa: E731
    assert status() == "tagged"
    assert status("--no-write", "--threshold", "0.99") == "classified"
    assert status("--no-write") == "tagged"


def test_a_persons_words_stay_as_they_are_and_nothing_is_written_twice(
    installation: Installation, library: Path
) -> None:
    file = noise(library / "a.wav")
    apply(plan_write(file, TagSet(keywords=("white-noise", "hall"), by_person=True)))
    done = installation.tag(library)
    assert done.status == 0, done.err
    found = read_tags(file)
    assert [word.casefold() for word in found.keywords].count("white-noise") == 1
    assert "White noise" not in found.keywords
    assert "hall" in found.keywords
    assert "hall" not in found.own_keywords
    (said,) = installation.rows("SELECT said FROM tagging_fileevidence")[0]
    assert json.loads(said)["keywords"] == ["white-noise", "hall"]
    ((options,),) = installation.rows("SELECT options FROM jobs_run")
    ((policy,),) = installation.rows("SELECT key FROM tagging_policyversion")
    assert json.loads(options)["policy"] == policy


def test_a_category_is_written_with_the_words_where_it_is_sure(
    installation: Installation, library: Path
) -> None:
    file = sine(library / "a.wav")
    assert installation.tag(library).status == 0
    found = read_tags(file)
    ((catid,),) = installation.rows("SELECT catid FROM tagging_tagset")
    assert found.get("catid") == catid != ""
    assert found.get("category")
