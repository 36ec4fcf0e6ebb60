"""Read every tag of a sound file: container by container, and merged."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from earmark_files.metadata.containers import SIDECAR_ONLY, open_document
from earmark_files.metadata.document import Document
from earmark_files.metadata.errors import MetadataError
from earmark_files.metadata.extension import extension_notes
from earmark_files.metadata.merge import find_provenance, split_keywords
from earmark_files.metadata.planning import open_source
from earmark_files.metadata.sidecar import SidecarDocument, sidecar_path
from earmark_files.metadata.tags import PROVENANCE, Provenance
from earmark_files.metadata.ucs_name import UcsName, parse_ucs_name

_NATIVE_FIELDS = {"aiff/NAME": "fx_name", "aiff/ANNO": "description", "aiff/AUTH": ""}


@dataclass(frozen=True)
class FoundTag:
    """A value and where it was found.

    Attributes
    ----------
    field : str
        Logical field, "" for texts that are only shown.
    slot : str
        Container path, such as ``ixml/USER/CATEGORY``.
    value : str
        Text as found.
    own : bool
        Whether the provenance record says that Earmark wrote it (for keywords: all of them).
    """

    field: str
    slot: str
    value: str
    own: bool


@dataclass(frozen=True)
class FileTags:
    """Everything a sound file, its sidecar and its name say.

    Attributes
    ----------
    path : Path
        The sound file.
    container : str
        Kind of file; ``sidecar_only`` when its format holds no tags.
    found : tuple of FoundTag
        In order of precedence: the file's own containers, then the sidecar.
    provenance : Provenance
        Which values are Earmark's; empty when none are.
    file_name : UcsName or None
        The blocks of a UCS file name.
    skipped : mapping of str to str
        Parts that could not be read, and why.
    notes : tuple of str
        Oddities of the file.
    """

    path: Path
    container: str
    found: tuple[FoundTag, ...]
    provenance: Provenance
    file_name: UcsName | None
    skipped: Mapping[str, str]
    notes: tuple[str, ...]

    def get(self, name: str) -> str:
        """Return the first value of a field; a CatID in the file name counts last."""
        for tag in self.found:
            if tag.field == name:
                return tag.value
        if name == "catid" and self.file_name is not None:
            return self.file_name.catid
        return ""

    @property
    def keywords(self) -> tuple[str, ...]:
        """All keywords of all containers, once each."""
        words: dict[str, str] = {}
        for tag in self.found:
            if tag.field == "keywords":
                for word in split_keywords(tag.value):
                    words.setdefault(word.casefold(), word)
        return tuple(words.values())

    @property
    def own_keywords(self) -> tuple[str, ...]:
        """The keywords that Earmark wrote and that are still there."""
        own = {word.casefold() for word in self.provenance.values("keywords")}
        return tuple(word for word in self.keywords if word.casefold() in own)


def read_tags(
    path: Path, *, catids: Container[str] | None = None, sidecar_dir: Path | None = None
) -> FileTags:
    """Read the tags of a sound file.

    Parameters
    ----------
    path : Path
        A sound file.
    catids : container of str, optional
        Known CatIDs, to recognise short UCS file names too.
    sidecar_dir : Path, optional
        Where the sidecars of sounds in read-only folders are, as in `Policy`.

    Raises
    ------
    MetadataError
        ``malformed_file``, ``truncated``, ``not_audio``, ``file_not_found`` ...
    """
    target = Path(os.path.realpath(path))
    documents: list[Document] = []
    container = SIDECAR_ONLY
    with open_source(target) as (source, _):
        try:
            document = open_document(source)
        except MetadataError as error:
            if error.code != "unsupported_format":
                raise
        else:
            container = document.container
            documents.append(document)
    unreadable: dict[str, str] = {}
    places = [sidecar_path(target), *([sidecar_path(target, sidecar_dir)] if sidecar_dir else [])]
    for sidecar in filter(Path.is_file, places):
        try:
            with open_source(sidecar) as (source, _):
                documents.append(SidecarDocument(source))
        except MetadataError as error:
            # The sound itself is readable; what its sidecar lacks is told beside it.
            unreadable["sidecar"] = error.message
    found = [tag for document in documents for tag in _tags_of(document)]
    provenance = next((p for d in documents if (p := _provenance(d)).own), Provenance())
    return FileTags(
        path=path,
        container=container,
        found=tuple(found),
        provenance=provenance,
        file_name=parse_ucs_name(path.name, catids),
        skipped=unreadable | {slot: why for d in documents for slot, why in d.skipped.items()},
        notes=(
            *extension_notes(path, container),
            *(note for document in documents for note in document.notes),
        ),
    )


def _provenance(document: Document) -> Provenance:
    return find_provenance(document.slots, document.values)


def _tags_of(document: Document) -> list[FoundTag]:
    provenance = _provenance(document)
    slots = {slot.name: slot for slot in document.slots}
    tags: list[FoundTag] = []
    for name, value in document.values.items():
        slot = slots.get(name)
        if slot is None:
            tags.append(FoundTag(_NATIVE_FIELDS.get(name, ""), name, value, own=False))
        elif slot.field != PROVENANCE:
            own = [slot.encode(v) for v in provenance.values(slot.field)]
            foreign = provenance.foreign.get(name, ())
            words = split_keywords(value) if slot.field == "keywords" else [value]
            ours = all(word in own and word not in foreign for word in words)
            tags.append(FoundTag(slot.field, name, value, ours))
    return tags
