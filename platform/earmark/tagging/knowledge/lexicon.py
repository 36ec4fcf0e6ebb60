"""WordNet through NLTK: where it is, and the few questions Earmark asks it.

The committed tables name synsets by their number in WordNet 3.0 (``bark.n.04``); any other
version numbers senses differently and is refused.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

WORDNET_VERSION = "3.0"
NLTK_DATA = "nltk_data"
"""Name of the folder for NLTK's data inside Earmark's data folder."""
_LICENCE_BYTES = 4096


class WordNetMissingError(Exception):
    """WordNet is not on this machine, or is not the version the tables were made for."""

    code = "wordnet_missing"


@dataclass(frozen=True)
class Sense:
    """One meaning of a word.

    Attributes
    ----------
    name : str
        The synset, such as ``hog.n.03``.
    category : str
        WordNet's lexicographer file, such as ``noun.animal``.
    definition : str
    lemmas : tuple of str
        The words for this meaning as WordNet spells them (``cock-a-doodle-doo``, ``tam-tam``,
        ``mouth_organ``).
    broader : tuple of str
        The words for the meanings directly above it (``domestic_animal`` for a dog).
    """

    name: str
    category: str
    definition: str
    lemmas: tuple[str, ...]
    broader: tuple[str, ...] = ()


class Lexicon(Protocol):
    """What Earmark needs of a lexicon."""

    def sense(self, name: str) -> Sense:
        """Return a synset by name.

        Raises
        ------
        KeyError
            If there is no such synset.
        """
        ...

    def senses(self, word: str) -> Sequence[Sense]:
        """Return all meanings of a word, the commonest first; inflected forms are understood."""
        ...


class WordNetLexicon:
    """NLTK's WordNet reader; takes about a second and 60 MB, once, on the first question.

    Parameters
    ----------
    folder : Path
        An NLTK data folder: it holds ``corpora/wordnet`` or ``corpora/wordnet.zip``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._reader: Any = None
        self._failure: WordNetMissingError | None = None

    def sense(self, name: str) -> Sense:
        """Return a synset by name; raises KeyError if there is none."""
        from nltk.corpus.reader.wordnet import WordNetError

        # NLTK's reader seeks in shared file handles: one question at a time.
        with self._lock:
            try:
                synset = self._open().synset(name)
            except (WordNetError, ValueError) as error:
                raise KeyError(name) from error
            if synset.name() != name:
                raise KeyError(name)
            return _as_sense(synset)

    def senses(self, word: str) -> tuple[Sense, ...]:
        """Return all meanings of a word, the commonest first."""
        with self._lock:
            found = self._open().synsets(word.strip().replace(" ", "_"))
            return tuple(_as_sense(synset) for synset in found)

    def _open(self) -> Any:
        if self._failure is not None:
            raise self._failure
        if self._reader is None:
            try:
                self._reader = _open_reader(self.folder)
            except WordNetMissingError as error:
                self._failure = error
                raise
        return self._reader


def find_wordnet(data_dir: Path) -> Path | None:
    """Return the NLTK data folder that holds WordNet: Earmark's own, else one NLTK knows."""
    own = data_dir / NLTK_DATA
    if holds_wordnet(own):
        return own
    return next(filter(holds_wordnet, nltk_folders()), None)


def nltk_folders() -> list[Path]:
    """Return the folders where NLTK looks for data on Linux and macOS, in its order.

    The same as ``nltk.data.path``, whose import takes more than a second of every start.
    """
    told = os.environ.get("NLTK_DATA", "").split(os.pathsep)
    own = [folder for folder in (*told, "~/nltk_data") if folder]
    prefix = Path(sys.prefix)
    return [
        # Not Path.expanduser: it raises where a container's user has no home.
        *(Path(os.path.expanduser(folder)) for folder in own),  # noqa: PTH111
        *(prefix / folder for folder in ("nltk_data", "share/nltk_data", "lib/nltk_data")),
        *map(Path, ("/usr/share/nltk_data", "/usr/local/share/nltk_data")),
        *map(Path, ("/usr/lib/nltk_data", "/usr/local/lib/nltk_data")),
    ]


def open_lexicon(data_dir: Path) -> WordNetLexicon:
    """Return the lexicon of this machine.

    Parameters
    ----------
    data_dir : Path
        Earmark's data folder (``EARMARK_DATA_DIR``).

    Raises
    ------
    WordNetMissingError
        If WordNet 3.0 is neither there nor where NLTK looks.
    """
    folder = find_wordnet(data_dir)
    if folder is None:
        raise WordNetMissingError(
            "WordNet is not on this machine, so tags are written without synonyms. "
            "Run `earmark setup_wordnet` to get it."
        )
    return WordNetLexicon(folder)


def holds_wordnet(folder: Path) -> bool:
    """Whether an NLTK data folder holds the WordNet that the tables were made for."""
    return _version_of(folder) == WORDNET_VERSION


def _version_of(folder: Path) -> str | None:
    """Return the version that the licence in the head of WordNet's data names; None without it."""
    plain, packed = folder / "corpora" / "wordnet", folder / "corpora" / "wordnet.zip"
    try:
        if all((plain / name).is_file() for name in ("data.noun", "lexnames", "index.sense")):
            with (plain / "data.noun").open("rb") as data:
                head = data.read(_LICENCE_BYTES)
        else:
            with zipfile.ZipFile(packed) as archive, archive.open("wordnet/data.noun") as member:
                head = member.read(_LICENCE_BYTES)
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
    named = re.search(rb"Word[nN]et (\d+(?:\.\d+)?) Copyright", head)
    return named.group(1).decode() if named else None


def _open_reader(folder: Path) -> Any:
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    # NLTK opens nothing outside the folders it was told about.
    if str(folder) not in nltk.data.path:
        nltk.data.path.append(str(folder))
    plain = (folder / "corpora" / "wordnet").is_dir()
    where = "corpora/wordnet" if plain else "corpora/wordnet.zip/wordnet/"
    try:
        with warnings.catch_warnings():
            # It warns that other languages are missing; Earmark asks for English only.
            warnings.simplefilter("ignore")
            return WordNetCorpusReader(nltk.data.find(where, paths=[str(folder)]), None)
    except (LookupError, OSError, ValueError, AssertionError) as error:
        raise WordNetMissingError(
            f"The WordNet in {folder} cannot be read ({error}), so tags are written without "
            "synonyms. Delete that folder and run `earmark setup_wordnet`."
        ) from error


def _as_sense(synset: Any) -> Sense:
    return Sense(
        name=synset.name(),
        category=synset.lexname(),
        definition=synset.definition(),
        lemmas=tuple(synset.lemma_names()),
        broader=tuple(lemma for above in synset.hypernyms() for lemma in above.lemma_names()),
    )
