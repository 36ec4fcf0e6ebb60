"""The logical tag set: what Earmark wants a file to say, whatever the container."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from earmark_files.metadata.errors import InvalidTagError

FIELDS = (
    "keywords",
    "category",
    "subcategory",
    "catid",
    "category_full",
    "fx_name",
    "description",
    "notes",
    "genre",
)
"""Names of the logical fields, in the order in which they are shown."""

UCS_FIELDS = ("category", "subcategory", "catid", "category_full")
"""Fields that describe one decision and are therefore filled together or not at all."""

PROVENANCE = "provenance"
"""Name of the field that records which values are Earmark's own."""

KEYWORD_SEPARATOR = ", "

_SPACE = re.compile(r"\s+")
_KEYWORD_BREAK = re.compile(r"[,;]")
# Characters XML 1.0 cannot hold, lone surrogates included; no container should carry them either.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean_text(value: str) -> str:
    """Collapse white space; raise `InvalidTagError` for characters no container can hold."""
    if _FORBIDDEN.search(value):
        raise InvalidTagError(
            f"The value {value!r} holds control characters or broken Unicode that cannot be "
            "written into a sound file. Remove them."
        )
    return _SPACE.sub(" ", value).strip()


def clean_keywords(values: Iterable[str]) -> tuple[str, ...]:
    """Trim keywords, drop empty ones and repetitions (ignoring case), keep the order."""
    seen: dict[str, str] = {}
    for value in values:
        word = clean_text(value)
        if _KEYWORD_BREAK.search(word):
            raise InvalidTagError(
                f"The keyword {word!r} holds a comma or semicolon; every program would read it "
                "as several keywords. Split it first."
            )
        if word:
            seen.setdefault(word.casefold(), word)
    return tuple(seen.values())


@dataclass(frozen=True)
class Provenance:
    """Which values in a file are Earmark's own, and which classifier they came from.

    Attributes
    ----------
    own : mapping of str to mapping of str to tuple of str
        ``{field: {value: (author, ...)}}``; an author is ``classifier@version``.
    foreign : mapping of str to tuple of str
        ``{slot: (value, ...)}``: places where somebody else had written one of these values
        before Earmark did. They are not Earmark's to change.
    """

    own: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def values(self, name: str) -> tuple[str, ...]:
        """Values of the field `name` that Earmark wrote."""
        return tuple(self.own.get(name, {}))

    def authors(self) -> tuple[str, ...]:
        """Every classifier named, sorted."""
        return tuple(
            sorted({a for values in self.own.values() for by in values.values() for a in by})
        )

    def to_text(self) -> str:
        """One line of JSON for the EARMARK element, frame or comment; "" when nothing is ours."""
        if not any(self.own.values()):
            return ""
        authors = self.authors()
        number = {author: index for index, author in enumerate(authors)}
        own = {
            name: {value: [number[a] for a in sorted(by)] for value, by in values.items()}
            for name, values in self.own.items()
            if values
        }
        record: dict[str, object] = {"v": 1, "by": authors, "own": own}
        if self.foreign:
            record["not"] = {slot: list(values) for slot, values in self.foreign.items()}
        return json.dumps(record, ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Provenance | None:
        """Parse what `to_text` wrote; None for anything else, which is then treated as foreign."""
        try:
            record = json.loads(text)
            if record["v"] != 1:
                return None
            authors = [str(a) for a in record["by"]]
            own = {
                str(name): {
                    str(value): tuple(authors[int(i)] for i in by) for value, by in values.items()
                }
                for name, values in record["own"].items()
            }
            foreign = {
                str(slot): tuple(str(v) for v in values)
                for slot, values in record.get("not", {}).items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            return None
        return cls(own, foreign)


@dataclass(frozen=True)
class TagSet:
    """The tags of one sound, independent of any container.

    White space is collapsed and repeated keywords are dropped on construction.

    Attributes
    ----------
    keywords : tuple of str
        Search words; none may hold a comma or semicolon.
    category, subcategory, catid, category_full : str
        Universal Category System names such as ``DOORS``, ``WOOD``, ``DOORWood``, ``DOORS-WOOD``.
        `category_full` is derived from the first two when it is left empty.
    fx_name : str
        Short title of the sound.
    description : str
        One sentence about the sound.
    notes : str
        Free remark.
    genre : str
        What goes into the genre field of ID3, Vorbis comments and MP4; `category` when empty.
    authors : tuple of str
        ``classifier@version`` behind these tags, written into the provenance record.
    keyword_authors : mapping of str to tuple of str
        Where keywords come from different classifiers, the authors of each (default: `authors`).
    by_person : bool
        These are a person's words: they are not recorded as Earmark's, and no later run that
        respects people will change or withdraw them.

    Raises
    ------
    InvalidTagError
        For control characters, lone surrogates, or separators inside a keyword.
    """

    keywords: tuple[str, ...] = ()
    category: str = ""
    subcategory: str = ""
    catid: str = ""
    category_full: str = ""
    fx_name: str = ""
    description: str = ""
    notes: str = ""
    genre: str = ""
    authors: tuple[str, ...] = ()
    keyword_authors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_person: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "keywords", clean_keywords(self.keywords))
        for name in FIELDS[1:]:
            object.__setattr__(self, name, clean_text(getattr(self, name)))
        if not self.category_full and self.category and self.subcategory:
            object.__setattr__(self, "category_full", f"{self.category}-{self.subcategory}")

    def get(self, name: str) -> str:
        """Text of the field `name`; keywords joined by a comma and a space."""
        if name == "keywords":
            return KEYWORD_SEPARATOR.join(self.keywords)
        if name == "genre":
            return self.genre or self.category
        return str(getattr(self, name))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not any(self.get(name) for name in FIELDS)

    def authors_of(self, keyword: str) -> tuple[str, ...]:
        """Return who is behind `keyword`."""
        return tuple(self.keyword_authors.get(keyword, self.authors))
