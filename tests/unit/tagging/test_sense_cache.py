"""The kept senses change how long an answer takes, never the answer."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from django.core.management import call_command

from earmark.tagging.knowledge.sense_cache import (
    CACHE_NAME,
    open_cached_lexicon,
    read_senses,
    write_senses,
)
from earmark.tagging.knowledge.synonyms import (
    load_choices,
    load_synonyms,
    open_table_lexicon,
    tables_version,
)
from earmark_plugin_api import Label

LABELS = [Label(choice.id, choice.label) for choice in load_choices()]
ASK = """
import json, sys
from pathlib import Path
from earmark.tagging.knowledge.synonyms import load_synonyms
words = [s.text for word in sys.argv[2:] for s in load_synonyms(Path(sys.argv[1])).expand(word)]
print(json.dumps({"words": words, "nltk": "nltk" in sys.modules}))
"""


@pytest.fixture
def data_dir(tmp_path, wordnet_folder):
    """A data folder with WordNet and nothing kept."""
    (tmp_path / "nltk_data").symlink_to(wordnet_folder)
    return tmp_path


@pytest.fixture(scope="module")
def made_once(tmp_path_factory, wordnet_folder):
    """The file as the first run makes it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "nltk_data").symlink_to(wordnet_folder)
    open_table_lexicon(folder).fill()
    return folder / CACHE_NAME


@pytest.fixture
def kept(data_dir, made_once):
    """A data folder's file, made by an earlier run."""
    told = read_senses(made_once)
    write_senses(data_dir / CACHE_NAME, replace(told, folder=data_dir / "nltk_data"))
    return data_dir / CACHE_NAME


def answers(book):
    return {label.id: book.synonyms_of(label) for label in LABELS}


def ask_in_a_new_process(data_dir, *words):
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(data_dir), *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_the_answers_for_all_labels_are_those_of_wordnet(data_dir, kept, book):
    assert answers(load_synonyms(data_dir)) == answers(book)


def test_names_and_free_words_too_are_answered_as_by_wordnet(data_dir, kept, book):
    again = load_synonyms(data_dir)
    for word in ("Footsteps", "fly", "Fly, housefly", "clip-clop", "sword", "Blizzard", "xyzzy"):
        assert again.expand(word) == book.expand(word), word


def test_the_first_answer_makes_the_file(data_dir):
    assert not (data_dir / CACHE_NAME).exists()
    book = load_synonyms(data_dir)
    assert not (data_dir / CACHE_NAME).exists(), "nothing was asked yet"
    book.expand("Pig")
    assert read_senses(data_dir / CACHE_NAME).version == tables_version() == book.version
    assert sorted(p.name for p in data_dir.iterdir()) == ["nltk_data", CACHE_NAME]


def test_nltk_is_imported_for_free_words_only(data_dir, kept):
    assert ask_in_a_new_process(data_dir, "Pig") == {"words": ["hog"], "nltk": False}
    assert ask_in_a_new_process(data_dir, "Blizzard") == {"words": ["snowstorm"], "nltk": True}


def test_without_the_file_nltk_is_asked_once(data_dir):
    assert ask_in_a_new_process(data_dir, "Pig") == {"words": ["hog"], "nltk": True}
    assert ask_in_a_new_process(data_dir, "Pig") == {"words": ["hog"], "nltk": False}


def test_another_version_of_the_tables_makes_it_anew(data_dir, kept):
    names = {name for choice in load_choices() for name in choice.synsets}
    newer = open_cached_lexicon(data_dir, names=names | {"dog.n.03"}, version="newer")
    assert newer.sense("dog.n.03").name == "dog.n.03"
    made = read_senses(kept)
    assert made.version == "newer"
    assert set(made.senses) == names | {"dog.n.03"}


def _cut(raw):
    return raw[: len(raw) // 2]


def _change_a_word(raw):
    return raw.replace(b'"bow-wow"', b'"meow"')


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _change_a_word,
        lambda raw: b"",
        lambda raw: bytes(len(raw)),
        lambda raw: b"[]",
        lambda raw: b"{}",
        lambda raw: b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_not_believed(kept, damage):
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert kept.read_bytes() != whole
    assert read_senses(kept) is None


def test_a_damaged_file_is_made_anew(data_dir, kept, book):
    whole = kept.read_bytes()
    kept.write_bytes(_cut(whole))
    assert answers(load_synonyms(data_dir)) == answers(book)
    assert kept.read_bytes() == whole


def test_where_it_cannot_be_written_the_answers_are_the_same(data_dir, book):
    (data_dir / CACHE_NAME).mkdir()  # cannot be replaced by a file, not even by root
    assert answers(load_synonyms(data_dir)) == answers(book)
    assert sorted(p.name for p in data_dir.iterdir()) == ["nltk_data", CACHE_NAME]


def test_it_does_not_stand_in_for_a_wordnet_that_is_gone(data_dir, kept, monkeypatch):
    (data_dir / "nltk_data").unlink()
    monkeypatch.setattr("nltk.data.path", [])
    assert load_synonyms(data_dir) is None


def test_a_wordnet_that_breaks_spoils_no_kept_sense(data_dir, kept, wordnet_folder, book):
    (data_dir / "nltk_data").unlink()
    corpus = data_dir / "nltk_data" / "corpora" / "wordnet"
    corpus.mkdir(parents=True)
    for name in ("data.noun", "lexnames", "index.sense"):
        (corpus / name).write_text("WordNet 3.0 Copyright 2006")
    broken = load_synonyms(data_dir)
    assert broken.expand("Blizzard") == ()
    assert answers(broken) == answers(book)


def test_the_set_up_command_makes_the_file(data_dir, settings):
    settings.DATA_DIR = data_dir
    call_command("setup_wordnet")
    made = read_senses(data_dir / CACHE_NAME)
    assert made is not None
    assert made.version == tables_version()
