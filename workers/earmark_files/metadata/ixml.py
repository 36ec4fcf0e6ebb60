"""The iXML chunk: USER, ASWG, BEXT and STEINBERG elements, and nothing else in it.

Sources: iXML specification 1.61 (gallery.co.uk/ixml), Sony ASWG-G006 v1.1, and the ``USER`` element
names that Soundminer writes.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def _attribute(root: Element, name: str) -> Element | None:
    """Return the ATTR of the Steinberg list whose NAME is `name`."""
    attributes = root.find("STEINBERG", "ATTR_LIST")
    for attr in attributes.children if attributes else []:
        label = attr.child("NAME")
        if label and label.text.strip().casefold() == name.casefold():
            return attr
    return None


def _locate(root: Element, slot: str) -> Element | None:
    """Return the element that holds the value of `slot`."""
    _, group, name = slot.split("/")
    if group == "STEINBERG":
        attr = _attribute(root, name)
        return attr.child("VALUE") if attr else None
    return root.find(group, name)


def _count(root: Element, slot: str) -> int:
    """Return how many elements could hold the value of `slot`."""
    _, group, name = slot.split("/")
    groups = [e for e in root.children if e.name.casefold() == group.casefold()]
    if group == "STEINBERG":
        attrs = [a for g in groups for lists in g.children for a in lists.children]
        labels = [label for a in attrs if (label := a.child("NAME"))]
        return sum(label.text.strip().casefold() == name.casefold() for label in labels)
    return sum(e.name.casefold() == name.casefold() for g in groups for e in g.children)


def free_text_user(root: Element) -> bool:
    """Whether USER holds a person's free text, as field recorders write it."""
    user = root.child("USER")
    return bool(user and user.text.strip() and not user.children)


def read_values(document: XmlDocument) -> dict[str, str]:
    """Return the text of every slot that is present and not empty."""
    values: dict[str, str] = {}
    for slot in SLOTS:
        element = _locate(document.root, slot.name)
        if element is not None and element.text.strip():
            values[slot.name] = element.text.strip()
    return values


def blocked_slots(document: XmlDocument) -> dict[str, str]:
    """Return slots that must be left alone, and why."""
    blocked: dict[str, str] = {}
    if free_text_user(document.root):
        blocked["ixml/USER"] = "free_text_user"
    for slot in SLOTS:
        element = _locate(document.root, slot.name)
        if element is not None and element.children:
            blocked[slot.name] = "element_has_children"
        elif element is not None and _count(document.root, slot.name) > 1:
            blocked[slot.name] = "repeated"
    return blocked


def edit(document: XmlDocument, changes: Mapping[str, str]) -> None:
    """Set the elements of slots to a text, or take them out for ""."""
    edits: list[Edit] = []
    new: dict[str, list[str]] = {}
    for slot in SLOTS:
        if slot.name not in changes:
            continue
        _, group, name = slot.name.split("/")
        text = changes[slot.name]
        element = _locate(document.root, slot.name)
        if text and element is not None:
            edits.append(document.set_text(element, text))
        elif text:
            new.setdefault(group, []).append(_markup(group, name, text))
        elif element is not None:
            whole = _attribute(document.root, name) if group == "STEINBERG" else element
            edits.append(document.remove(whole or element))
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
