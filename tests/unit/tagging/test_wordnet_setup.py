"""WordNet gets onto a machine from its package, whole or not at all."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from earmark.tagging.knowledge import lexicon, wordnet_setup
from earmark.tagging.knowledge.lexicon import WordNetLexicon, find_wordnet


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """NLTK knows no folder, no package is installed, and there is neither apt-get nor a network."""
    monkeypatch.setattr(lexicon, "nltk_folders", list)
    monkeypatch.setattr("nltk.download", lambda *args, **kwargs: False)
    monkeypatch.setattr(wordnet_setup, "INSTALLED", tmp_path / "not-installed")
    monkeypatch.setenv("PATH", str(tmp_path / "no-tools"))
    return tmp_path


def test_nothing_is_fetched_where_it_is_there_already(bare_machine, wordnet_folder):
    assert wordnet_setup.set_up_wordnet(wordnet_folder.parent) == wordnet_folder


def test_an_installed_package_is_used(bare_machine, wordnet_folder, monkeypatch):
    # The package lacks lexnames and index.sense.
    installed = bare_machine / "usr-share-wordnet"
    ignored = shutil.ignore_patterns("lexnames", "index.sense")
    shutil.copytree(wordnet_folder / "corpora" / "wordnet", installed, ignore=ignored)
    monkeypatch.setattr(wordnet_setup, "INSTALLED", installed)
    data_dir = bare_machine / "var"
    folder = wordnet_setup.set_up_wordnet(data_dir)
    assert find_wordnet(data_dir) == folder == data_dir / "nltk_data"
    bark = WordNetLexicon(folder).sense("bark.n.04")
    assert (bark.category, bark.definition) == ("noun.event", "the sound made by a dog")


def test_a_package_with_a_missing_file_leaves_nothing_behind(
    bare_machine, wordnet_folder, monkeypatch
):
    installed = bare_machine / "usr-share-wordnet"
    ignored = shutil.ignore_patterns("index.verb")
    shutil.copytree(wordnet_folder / "corpora" / "wordnet", installed, ignore=ignored)
    monkeypatch.setattr(wordnet_setup, "INSTALLED", installed)
    data_dir = bare_machine / "var"
    with pytest.raises(wordnet_setup.WordNetSetupError, match=r"index\.verb") as error:
        wordnet_setup.set_up_wordnet(data_dir)
    assert error.value.code == "wordnet_setup_failed"
    assert list((data_dir / "nltk_data" / "corpora").iterdir()) == []


def test_remains_of_a_broken_wordnet_are_replaced(bare_machine, wordnet_folder, monkeypatch):
    data_dir = bare_machine / "var"
    remains = data_dir / "nltk_data" / "corpora" / "wordnet"
    remains.mkdir(parents=True)
    (remains / "data.noun").write_text("half a file")
    monkeypatch.setattr(wordnet_setup, "INSTALLED", wordnet_folder / "corpora" / "wordnet")
    wordnet_setup.set_up_wordnet(data_dir)
    assert find_wordnet(data_dir) == data_dir / "nltk_data"


def test_whoever_wants_it_at_once_gets_one_whole_copy(bare_machine, wordnet_folder, monkeypatch):
    monkeypatch.setattr(wordnet_setup, "INSTALLED", wordnet_folder / "corpora" / "wordnet")
    data_dir = bare_machine / "var"
    copies = []
    install = wordnet_setup.install_from
    monkeypatch.setattr(
        wordnet_setup, "install_from", lambda *args: (copies.append(args), install(*args))
    )
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(wordnet_setup.set_up_wordnet, [data_dir] * 4))
    assert folders == {data_dir / "nltk_data"}
    assert len(copies) == 1
    assert find_wordnet(data_dir) is not None


def test_the_error_names_everything_that_was_tried(bare_machine):
    with pytest.raises(wordnet_setup.WordNetSetupError) as error:
        wordnet_setup.set_up_wordnet(bare_machine / "var")
    message = str(error.value)
    assert "not a Debian-like system" in message
    assert "nltk.download" in message
    assert "without synonyms" in message


def test_it_is_looked_for_where_nltk_looks():
    asked = "import nltk; print('\\n'.join(nltk.data.path))"
    environment = os.environ | {"NLTK_DATA": "/data/words:~/more"}
    told = subprocess.run(
        [sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NLTK_DATA", environment["NLTK_DATA"])
        assert list(map(str, lexicon.nltk_folders())) == told.stdout.splitlines()
