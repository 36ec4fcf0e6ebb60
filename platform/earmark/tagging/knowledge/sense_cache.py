"""The few hundred senses that the committed tables name, kept in a small file.

NLTK takes a second and 80 MB to open WordNet, and labels need only these senses of it. So they
are read once and kept in Earmark's data folder; WordNet itself is opened for free words only.
The file says nothing that WordNet does not: without it, or with a damaged one, answers are the
same and a second later.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from earmark.tagging.knowledge.lexicon import (
    Lexicon,
    Sense,
    WordNetLexicon,
    holds_wordnet,
    open_lexicon,
)

CACHE_NAME = "wordnet_senses.json"
"""Name of the file inside Earmark's data folder."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class KeptSenses:
    """What the file says.

    Attributes
    ----------
    version : str
        Of the tables and of WordNet; senses of any other are not used.
    folder : Path
        The NLTK data folder they were read from.
    senses : mapping of str to Sense
        By name.
    """

    version: str
    folder: Path
    senses: Mapping[str, Sense]


class CachedLexicon:
    """A `Lexicon` that opens WordNet only for what is not kept, and then keeps it.

    Parameters
    ----------
    wordnet : WordNetLexicon
    names : collection of str
        The senses to keep: those the tables name.
    version : str
        Of the tables and of WordNet.
    path : Path
        The file to keep them in.
    kept : mapping of str to Sense
        What the file holds already; empty if it has to be made.
    """

    def __init__(
        self,
        wordnet: WordNetLexicon,
        *,
        names: Collection[str],
        version: str,
        path: Path,
        kept: Mapping[str, Sense],
    ) -> None:
        self._wordnet: Lexicon = wordnet
        self._folder = wordnet.folder
        self._names = names
        self._version = version
        self._path = path
        self._kept = kept

    def sense(self, name: str) -> Sense:
        """Return a synset by name; raises KeyError if there is none."""
        if not self._kept:
            self.fill()
        known = self._kept.get(name)
        return known if known is not None else self._wordnet.sense(name)

    def senses(self, word: str) -> tuple[Sense, ...]:
        """Return all meanings of a word, the commonest first."""
        return tuple(self._wordnet.senses(word))

    def fill(self) -> None:
        """Read the senses and keep them, unless they are kept already.

        Raises
        ------
        WordNetMissingError
            If WordNet turns out to be unreadable; nothing is kept then.
        """
        if self._kept:
            return
        self._kept = {name: self._wordnet.sense(name) for name in sorted(self._names)}
        try:
            write_senses(self._path, KeptSenses(self._version, self._folder, self._kept))
        except OSError as error:
            # A data folder one may only read: every start takes a second longer, no more.
            log.info("senses_not_kept", path=str(self._path), reason=str(error))


def open_cached_lexicon(data_dir: Path, *, names: Collection[str], version: str) -> CachedLexicon:
    """Return this machine's lexicon, with the senses that are kept.

    Parameters
    ----------
    data_dir : Path
        Earmark's data folder.
    names : collection of str
        The senses that the tables name.
    version : str
        Of the tables and of WordNet.

    Raises
    ------
    WordNetMissingError
        If WordNet is not on this machine; what is kept of it does not stand in for it, for free
        words would have no synonyms then and labels some.
    """
    path = data_dir / CACHE_NAME
    kept = read_senses(path)
    if kept is not None and kept.version == version and holds_wordnet(kept.folder):
        wordnet, senses = WordNetLexicon(kept.folder), kept.senses
    else:
        wordnet, senses = open_lexicon(data_dir), {}
    return CachedLexicon(wordnet, names=names, version=version, path=path, kept=senses)


def read_senses(path: Path) -> KeptSenses | None:
    """Return what the file holds; None, said in the log, if it is damaged or unreadable."""
    try:
        told = json.loads(path.read_bytes())
        if told["digest"] != _digest(told["content"]):
            raise ValueError("the digest does not match")
        content = told["content"]
        senses = [_sense(row) for row in content["senses"]]
        return KeptSenses(
            version=content["version"],
            folder=Path(content["folder"]),
            senses={sense.name: sense for sense in senses},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("kept_senses_unusable", path=str(path), reason=repr(error))
        return None


def _sense(row: Mapping[str, Any]) -> Sense:
    words = {name: tuple(row[name]) for name in ("lemmas", "broader")}
    return Sense(**{**row, **words})


def write_senses(path: Path, kept: KeptSenses) -> None:
    """Write the file, all or nothing.

    Raises
    ------
    OSError
        If that is not possible.
    """
    content = {
        "version": kept.version,
        "folder": str(kept.folder),
        "senses": [asdict(sense) for sense in kept.senses.values()],
    }
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".senses-") as scratch:
        made = Path(scratch) / path.name
        made.write_text(json.dumps({"digest": _digest(content), "content": content}))
        made.replace(path)


def _digest(content: Any) -> str:
    """Digest of parsed content: its form on the disk does not matter."""
    canonical = json.dumps(content, sort_keys=True).encode()
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()
