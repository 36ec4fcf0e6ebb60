"""Change the text of single XML elements and leave every other character alone.

Works on the bytes of the document: the parser (expat) only tells where elements begin and end.
Comments, order, white space, unknown elements, attributes and the encoding stay as they were.
Document type declarations are refused, so entities cannot be used to eat memory.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from xml.parsers import expat
from xml.sax.saxutils import escape

MAX_DEPTH = 64
_REMEMBER_BYTES = 64 << 10
_DECLARED = re.compile(r"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


class XmlError(ValueError):
    """The document cannot be edited without risk; the text says why."""


@dataclass
class Element:
    """An element and its place (byte offsets into the UTF-8 form of the document).

    Filled while the document is parsed; nothing changes one afterwards.
    """

    name: str
    start: int
    open_end: int
    close: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def self_closing(self) -> bool:
        """Whether it is written ``<NAME/>``."""
        return self.close == self.end

    def child(self, name: str) -> Element | None:
        """First child called `name`, ignoring case."""
        wanted = name.casefold()
        return next((c for c in self.children if c.name.casefold() == wanted), None)

    def find(self, *path: str) -> Element | None:
        """Walk down by names."""
        node: Element | None = self
        for name in path:
            node = node.child(name) if node else None
        return node


def _tree(data: bytes) -> Element:
    """Return the root element; what was just written, and now is read back, is remembered."""
    return _remembered(data) if len(data) <= _REMEMBER_BYTES else _parse(data)


@lru_cache(maxsize=8)
def _remembered(data: bytes) -> Element:
    return _parse(data)


def _parse(data: bytes) -> Element:
    parser = expat.ParserCreate("utf-8")
    root = Element("", 0, 0)
    stack = [root]

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise XmlError("it is nested too deeply")
        start = parser.CurrentByteIndex
        element = Element(name, start, _tag_end(data, start))
        stack[-1].children.append(element)
        stack.append(element)

    def on_end(name: str) -> None:
        element = stack.pop()
        if data[element.open_end - 2 : element.open_end] == b"/>":
            element.close = element.end = element.open_end
        else:
            element.close = parser.CurrentByteIndex
            element.end = _tag_end(data, element.close)

    def on_text(text: str) -> None:
        stack[-1].text += text

    def on_doctype(*_: object) -> None:
        raise XmlError("it has a document type declaration")

    parser.buffer_text = True
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = on_text
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlError(f"it is not well-formed ({error})") from error
    return root.children[0]


def _tag_end(data: bytes, start: int) -> int:
    """Return the offset after the ``>`` of the tag at `start`, minding quoted attributes."""
    end = data.find(b">", start) + 1
    if end and b'"' not in data[start:end] and b"'" not in data[start:end]:
        return end
    quote = 0
    for index in range(start, len(data)):
        byte = data[index]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == 0x3E:
            return index + 1
    raise XmlError("a tag is not closed")


def _detect(data: bytes) -> tuple[str, bytes]:
    """Return the name of the encoding and the byte order mark."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return name, mark
    if data[:2] == b"<\0":
        return "utf-16-le", b""
    if data[:2] == b"\0<":
        return "utf-16-be", b""
    declared = _DECLARED.match(data[:200].decode("latin-1").lstrip())
    name = declared.group(1).lower() if declared else "utf-8"
    return ("utf-8" if name.startswith(("utf-16", "utf16")) else name), b""


@dataclass(frozen=True)
class Edit:
    """Replace the bytes from `start` to `end` (of the UTF-8 form) by `markup`."""

    start: int
    end: int
    markup: str


class XmlDocument:
    """A document that is edited by elements.

    Parameters
    ----------
    data : bytes
        The document, perhaps with a byte order mark, and padded at the end with zero bytes or
        white space as field recorders do.

    Raises
    ------
    XmlError
        When it is not well-formed, has a document type, or its encoding cannot be kept.
    """

    def __init__(self, data: bytes) -> None:
        self._encoding, self._mark = _detect(data)
        body = data[len(self._mark) :]
        try:
            text = body.decode(self._encoding)
            unchanged = text.encode(self._encoding) == body
        except (UnicodeError, LookupError) as error:
            raise XmlError(f"its encoding is not what it says ({error})") from error
        if not unchanged:
            raise XmlError("its encoding cannot be kept exactly")
        core = text.strip("\0 \t\r\n")
        start = text.find(core)
        self._head, self._tail = text[:start], text[start + len(core) :]
        self._utf8 = core.encode()
        self.root = _tree(self._utf8)

    def to_bytes(self) -> bytes:
        """Return the document in its own encoding, with its mark and padding."""
        text = self._head + self._utf8.decode() + self._tail
        return self._mark + text.encode(self._encoding, errors="xmlcharrefreplace")

    def apply(self, edits: Iterable[Edit]) -> None:
        """Carry out edits that were all worked out on the present tree, then parse again.

        Raises
        ------
        XmlError
            When two edits overlap, or the result is not well-formed.
        """
        data, limit = self._utf8, len(self._utf8) + 1
        for edit in sorted(edits, key=lambda e: e.start, reverse=True):
            if edit.end > limit:
                raise XmlError("two changes overlap")
            data = data[: edit.start] + edit.markup.encode() + data[edit.end :]
            limit = edit.start
        self._utf8 = data
        self.root = _tree(data)

    def set_text(self, element: Element, text: str) -> Edit:
        """Make `text` the whole content of an element without children."""
        if element.self_closing:
            return self._open_up(element, escape(text))
        return Edit(element.open_end, element.close, escape(text))

    def append(self, parent: Element, children: Sequence[str]) -> Edit:
        """Put markup in as the last children of `parent`, each indented like its siblings."""
        if parent.self_closing:
            return self._open_up(parent, "".join(children))
        indent = self._indent_before(parent.children[-1].start) if parent.children else ""
        at = parent.children[-1].end if parent.children else parent.close
        return Edit(at, at, "".join(indent + child for child in children))

    def remove(self, element: Element) -> Edit:
        """Take an element out together with the line break and indent before it."""
        start = element.start - len(self._indent_before(element.start))
        return Edit(start, element.end, "")

    def _open_up(self, element: Element, content: str) -> Edit:
        """Give content to an element written ``<NAME/>``."""
        tag = self._utf8[element.start : element.open_end - 2].decode().rstrip()
        return Edit(element.start, element.end, f"{tag}>{content}</{element.name}>")

    def _indent_before(self, offset: int) -> str:
        """Return the white space before `offset` if it begins a line there."""
        start = offset
        while start > 0 and self._utf8[start - 1 : start] in (b" ", b"\t"):
            start -= 1
        if start > 0 and self._utf8[start - 1 : start] == b"\n":
            start -= 2 if self._utf8[start - 2 : start] == b"\r\n" else 1
            return self._utf8[start:offset].decode()
        return ""
