"""File names after UCS: which are right, and what a file could be called. Pure functions.

``CatID(-UserCategory)_(VendorCategory-)FXName_CreatorID_SourceID(_UserData)``. Words that a
person chose are kept: only a name that tells nothing ("Track 18") gives way to tags.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from earmark.tagging.knowledge.ucs import UcsName, load_ucs, parse_ucs_name

LONGEST_BYTES = 255
"""Most bytes in a file name on the file systems of today."""

LONGEST_FX_NAME = 60
"""Characters of a title made of tags; a person's own may be longer."""

TAGS_IN_NAME = 3
SAYS_NOTHING = frozenset({
    "audio", "clip", "copy", "copie", "file", "final", "kopie", "master", "mix", "mixdown", "mono",
    "new", "edit", "export", "untitled", "unbenannt", "part", "piece", "rec", "record", "recorded",
    "recording", "region", "render", "rendered", "sample", "snd", "sound", "spur", "stereo",
    "take", "test", "tmp", "track", "tr", "wav", "wave", "zoom", "tascam", "h4n", "h5", "h6", "dr",
    "ch", "channel", "l", "r", "lr", "ms", "xy", "left", "right", "sfx", "fx", "var", "variation",
    "version", "ver", "v", "no", "nr", "of", "the", "a", "an", "and",
})  # fmt: skip
"""Words in names of files that say nothing of what is heard."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True)
class NameProblem:
    """What is wrong with a name: a stable code, and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class NameParts:
    """What a proposed name is made of.

    Attributes
    ----------
    catid : str
        From the UCS list.
    creator, source : str
        CreatorID and SourceID for names that have none.
    tags : tuple of str
        Surest first.
    description : str
        What the file says about itself; "" if nothing.
    """

    catid: str
    creator: str
    source: str
    tags: tuple[str, ...] = ()
    description: str = ""


def check_name(file_name: str) -> list[NameProblem]:
    """Return what keeps a file name from being a UCS name; nothing if it is one."""
    stem, _ = split_name(file_name)
    problems = []
    parsed = parse_ucs_name(file_name)
    head = stem.split("_")[0].partition("-")[0]
    if parsed is None:
        right = _by_fold().get(head.casefold())
        if right is not None and right != head:
            told = NameProblem("catid_case", f"{head} is spelt {right} in the UCS list.")
        elif head in load_ucs():
            told = NameProblem(
                "too_few_blocks", f"{head} needs _FXName_CreatorID_SourceID after it."
            )
        else:
            told = NameProblem("no_catid", f"{head!r} is no CatID of the UCS list.")
        problems.append(told)
    else:
        for text, block in (
            (parsed.fx_name, "FXName"),
            (parsed.creator_id, "CreatorID"),
            (parsed.source_id, "SourceID"),
        ):
            if not text.strip():
                problems.append(NameProblem("block_missing", f"There is no {block}."))
    if _FORBIDDEN.search(file_name):
        problems.append(
            NameProblem(
                "forbidden_character", "Not every system can store a character of the name."
            )
        )
    if _size(file_name) > LONGEST_BYTES:
        problems.append(NameProblem("too_long", f"It has more than {LONGEST_BYTES} bytes."))
    if any(block != block.strip() for block in stem.split("_")):
        problems.append(NameProblem("space_around_block", "A block begins or ends with a space."))
    return problems


def propose_name(file_name: str, parts: NameParts) -> str:
    """Return what a file could be called; its own name where that is right already.

    Blocks that the name has are kept, and so is its extension.
    """
    stem, extension = split_name(file_name)
    parsed = parse_ucs_name(file_name)
    if parsed is not None and not check_name(file_name):
        return file_name
    if parsed is None:
        # A CatID in the wrong case is one all the same: what follows it is the title.
        head, _, rest = stem.partition("_")
        spelt = _by_fold().get(head.partition("-")[0].casefold()) if rest else None
        title = rest if spelt == parts.catid else stem
        parsed = UcsName(parts.catid, "", "", "", "", "", "")
        fx_name = make_fx_name(title, parts)
    else:
        fx_name = clean_block(parsed.fx_name) or make_fx_name("", parts)
    return _assemble(parsed, fx_name, parts, extension)


def make_fx_name(title: str, parts: NameParts) -> str:
    """Return the title of a file: its own words if they say something, else tags or description."""
    own = clean_block(title.replace("_", " ").replace("-", " "))
    if tells_something(own):
        return own
    named = _join_tags(parts.tags)
    first = clean_block(re.split(r"[.;,\n]", parts.description)[0])
    described = first[:LONGEST_FX_NAME].rsplit(" ", 1)[0] if len(first) > LONGEST_FX_NAME else first
    subcategory = load_ucs()[parts.catid].subcategory.title()
    return named or described or own or clean_block(subcategory)


def tells_something(title: str) -> bool:
    """Whether a title holds a word that says what is heard."""
    words = re.findall(r"[^\W\d_]+", title.casefold())
    return any(word not in SAYS_NOTHING and len(word) > 1 for word in words)


def unique_name(file_name: str, taken: Collection[str]) -> str:
    """Return the name, or with a number behind its FXName where its fold is `taken`.

    Parameters
    ----------
    file_name : str
        As `propose_name` returns it.
    taken : collection of str
        Folded names (`fold_file_name`) that are in use in the folder.
    """
    candidate, number = file_name, 2
    while fold_file_name(candidate) in taken:
        candidate = _numbered(file_name, number)
        number += 1
    return candidate


def fold_file_name(name: str) -> str:
    """Return the form in which names are equal that some file system holds for one name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def clean_block(text: str) -> str:
    """Return a text that can be a block: no separators, nothing a system cannot store."""
    composed = unicodedata.normalize("NFC", text)
    plain = _FORBIDDEN.sub(" ", composed).replace("_", " ")
    return re.sub(r"\s+", " ", plain).strip(" .-")


def split_name(file_name: str) -> tuple[str, str]:
    """Return a name without its extension, and the extension with its dot."""
    found = _EXTENSION.search(file_name)
    return (file_name[: found.start()], found.group()) if found else (file_name, "")


def _assemble(parsed: UcsName, fx_name: str, parts: NameParts, extension: str) -> str:
    head = f"{parsed.catid}-{parsed.user_category}" if parsed.user_category else parsed.catid
    vendor = f"{clean_block(parsed.vendor_category)}-" if parsed.vendor_category else ""
    tail = [
        clean_block(parsed.creator_id) or clean_block(parts.creator),
        clean_block(parsed.source_id) or clean_block(parts.source),
    ]
    if parsed.user_data:
        tail.append(parsed.user_data)
    room = LONGEST_BYTES - _size(f"{head}_{vendor}_{'_'.join(tail)}{extension} 00")
    return f"{head}_{vendor}{_fit(fx_name, room)}_{'_'.join(tail)}{extension}"


def _fit(text: str, room: int) -> str:
    """Cut a text to a number of bytes, never inside a character, and to one character at least."""
    while len(text) > 1 and _size(text) > room:
        text = text[:-1]
    return text.strip()


def _size(name: str) -> int:
    """Return the bytes of a name; those that are no text count, too."""
    return len(os.fsencode(name))


def _join_tags(tags: Sequence[str]) -> str:
    joined = ""
    for tag in tags[:TAGS_IN_NAME]:
        longer = f"{joined} {clean_block(tag)}".strip()
        if len(longer) > LONGEST_FX_NAME:
            break
        joined = longer
    return joined


def _numbered(file_name: str, number: int) -> str:
    blocks = file_name.split("_")
    return "_".join([blocks[0], f"{blocks[1]} {number:02}", *blocks[2:]])


@lru_cache(maxsize=1)
def _by_fold() -> dict[str, str]:
    return {catid.casefold(): catid for catid in load_ucs()}
