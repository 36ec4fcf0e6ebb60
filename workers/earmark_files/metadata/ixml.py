"""The iXML chunk: USER, ASWG, BEXT and STEINBERG elements, and nothing else in it.

Sources: iXML specification 1.61 (gallery.co.uk/ixml), Sony ASWG-G006 v1.1, and the ``USER`` element
names that Soundminer writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from earmark_files.metadata.bext import encode_description
from earmark_files.metadata.document import Slot
from earmark_files.metadata.xml_splice import Edit, Element, XmlDocument

MAX_BYTES = 4 << 20

# The list of tracks says that none is described; there are readers that fail without one.
EMPTY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<BWFXML>\n\t<IXML_VERSION>1.61</IXML_VERSION>\n'
    b"\t<TRACK_LIST><TRACK_COUNT>0</TRACK_COUNT></TRACK_LIST>\n</BWFXML>\n"
)

SLOTS = (
    Slot("ixml/USER/CATEGORY", "category"),
    Slot("ixml/USER/SUBCATEGORY", "subcategory"),
    Slot("ixml/USER/CATID", "catid"),
    Slot("ixml/USER/CATEGORYFULL", "category_full"),
    Slot("ixml/USER/FXNAME", "fx_name"),
    Slot("ixml/USER/KEYWORDS", "keywords"),
    Slot("ixml/USER/DESCRIPTION", "description"),
    Slot("ixml/USER/NOTES", "notes"),
    Slot("ixml/ASWG/category", "category"),
    Slot("ixml/ASWG/subCategory", "subcategory"),
    Slot("ixml/ASWG/catId", "catid"),
    Slot("ixml/ASWG/fxName", "fx_name"),
    Slot("ixml/ASWG/notes", "notes"),
    Slot("ixml/BEXT/BWF_DESCRIPTION", "description", encode=encode_description),
    Slot("ixml/STEINBERG/MediaCategoryPost", "category"),
    Slot("ixml/STEINBERG/MusicalCategory", "subcategory"),
    Slot("ixml/STEINBERG/MediaComment", "description"),
    Slot("ixml/USER/EARMARK", "provenance"),
)


_BY_NAME = {
    (group.casefold(), name.casefold()): slot.name
    for slot in SLOTS
    for _, group, name in [slot.name.split("/")]
}
_GROUPS = frozenset(group for group, _ in _BY_NAME)


@dataclass(frozen=True)
class _Place:
    """Where the value of a slot stands: what goes when it is removed, and what holds its text."""

    whole: Element
    value: Element


def _entries(group: Element) -> Iterator[tuple[str, Element, Element | None, bool]]:
    """Yield name, whole element, element with the text, and whether readers look there."""
    if group.name.casefold() != "steinberg":
        for element in group.children:
            yield element.name, element, element, True
        return
    read = group.child("ATTR_LIST")
    for attributes in group.children:
        for attribute in attributes.children:
            label = attribute.child("NAME")
            if label is not None:
                value = attribute.child("VALUE")
                yield label.text.strip(), attribute, value, attributes is read


def _places(root: Element) -> tuple[dict[str, _Place], Counter[str]]:
    """Return the place of each slot that is there, and how many elements could be it."""
    first: dict[str, tuple[Element, Element | None]] = {}
    counts: Counter[str] = Counter()
    met: set[str] = set()
    for group in root.children:
        group_name = group.name.casefold()
        if group_name not in _GROUPS:
            continue
        for name, whole, value, read in _entries(group):
            slot = _BY_NAME.get((group_name, name.casefold()))
            if slot is None:
                continue
            counts[slot] += 1
            if read and group_name not in met:
                first.setdefault(slot, (whole, value))
        met.add(group_name)
    places = {slot: _Place(whole, value) for slot, (whole, value) in first.items() if value}
    return places, counts


def free_text_user(root: Element) -> bool:
    """Whether USER holds a person's free text, as field recorders write it."""
    user = root.child("USER")
    return bool(user and user.text.strip() and not user.children)


def read(document: XmlDocument) -> tuple[dict[str, str], dict[str, str]]:
    """Return the text of every slot that has one, and why others must be left alone."""
    places, counts = _places(document.root)
    values: dict[str, str] = {}
    blocked = {"ixml/USER": "free_text_user"} if free_text_user(document.root) else {}
    for slot in SLOTS:
        place = places.get(slot.name)
        if place is None:
            continue
        if text := place.value.text.strip():
            values[slot.name] = text
        if place.value.children:
            blocked[slot.name] = "element_has_children"
        elif counts[slot.name] > 1:
            blocked[slot.name] = "repeated"
    return values, blocked


def edit(document: XmlDocument, changes: Mapping[str, str]) -> None:
    """Set the elements of slots to a text, or take them out for ""."""
    edits: list[Edit] = []
    new: dict[str, list[str]] = {}
    places, _ = _places(document.root)
    for slot in SLOTS:
        if slot.name not in changes:
            continue
        _, group, name = slot.name.split("/")
        text = changes[slot.name]
        place = places.get(slot.name)
        if text and place is not None:
            edits.append(document.set_text(place.value, text))
        elif text:
            new.setdefault(group, []).append(_markup(group, name, text))
        elif place is not None:
            edits.append(document.remove(place.whole))
    document.apply([*edits, *_additions(document, new)])
    for path in _GROUP_PATHS:
        _drop_if_empty(document, path)


_GROUP_PATHS = (
    ("STEINBERG", "ATTR_LIST"),
    ("STEINBERG",),
    ("USER",),
    ("ASWG",),
    ("BEXT",),
)


def _markup(group: str, name: str, text: str) -> str:
    if group == "STEINBERG":
        value = f"<NAME>{name}</NAME><VALUE>{escape(text)}</VALUE>"
        return f"<ATTR><TYPE>string</TYPE>{value}</ATTR>"
    return f"<{name}>{escape(text)}</{name}>"


def _additions(document: XmlDocument, new: Mapping[str, list[str]]) -> list[Edit]:
    """Return edits that add elements to groups, making groups that are missing."""
    edits: list[Edit] = []
    missing: list[str] = []
    for group, children in new.items():
        parent = document.root.child(group)
        if group == "STEINBERG" and parent is not None:
            attributes = parent.child("ATTR_LIST")
            if attributes is None:
                children = [f"<ATTR_LIST>{''.join(children)}</ATTR_LIST>"]
            parent = attributes or parent
        if parent is not None:
            edits.append(document.append(parent, children))
            continue
        content = "".join(children)
        if group == "STEINBERG":
            content = f"<ATTR_LIST>{content}</ATTR_LIST>"
        missing.append(f"<{group}>{content}</{group}>")
    return [*edits, document.append(document.root, missing)] if missing else edits


def _drop_if_empty(document: XmlDocument, path: tuple[str, ...]) -> None:
    """Take out a group that nothing is left in."""
    element = document.root.find(*path)
    if element is not None and not element.children and not element.text.strip():
        document.apply([document.remove(element)])


def is_bare(document: XmlDocument) -> bool:
    """Whether nothing is left but what `EMPTY` holds, as in a chunk Earmark started."""
    left = [child for child in document.root.children if child.name.upper() != "IXML_VERSION"]
    return all(map(_lists_no_track, left)) and not document.root.text.strip()


def _lists_no_track(element: Element) -> bool:
    counts = [(child.name.upper(), child.text.strip()) for child in element.children]
    return element.name.upper() == "TRACK_LIST" and counts == [("TRACK_COUNT", "0")]
