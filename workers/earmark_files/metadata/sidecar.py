"""Tags in a JSON file beside the sound: for formats that hold none, and for read-only places.

``Horse.caf`` has ``Horse.caf.earmark.json``; in a separate sidecar folder the name also carries a
hash of the sound's absolute path. Unknown members of the JSON object are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earmark_files.metadata.document import Payload, Slot
from earmark_files.metadata.errors import MalformedFileError
from earmark_files.metadata.merge import split_keywords
from earmark_files.metadata.source import Source, Splice
from earmark_files.metadata.tags import FIELDS, PROVENANCE

SCHEMA = "earmark-sidecar/1"
SUFFIX = ".earmark.json"
MAX_BYTES = 4 << 20

SLOTS = (
    *(Slot(f"sidecar/{name}", name) for name in FIELDS),
    Slot("sidecar/provenance", PROVENANCE),
)


def sidecar_path(path: Path, folder: Path | None = None) -> Path:
    """Return where the sidecar of `path` lies: beside it, or in `folder`."""
    if folder is None:
        return path.with_name(path.name + SUFFIX)
    digest = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=8).hexdigest()
    return folder / f"{path.name[:150]}.{digest}{SUFFIX}"


class SidecarDocument:
    """A parsed sidecar, or one that does not exist yet (an empty source)."""

    container = "sidecar"

    def __init__(self, source: Source, *, sound: str = "", audio: str = "") -> None:
        self._source = source
        self._sound = sound
        self._audio = audio
        self.payload = Payload("sidecar", ())
        self.skipped: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.slots = SLOTS
        self._content = self._load()
        self.values: dict[str, str] = {}
        tags = self._content.get("tags", {})
        for slot in SLOTS:
            value = tags.get(slot.field) if slot.field != PROVENANCE else None
            if slot.field == PROVENANCE:
                record = self._content.get(PROVENANCE)
                text = json.dumps(record, separators=(",", ":")) if record else ""
            elif isinstance(value, list):
                text = ", ".join(str(word) for word in value)
            else:
                text = str(value or "").strip()
            if text:
                self.values[slot.name] = text

    def _load(self) -> dict[str, Any]:
        if self._source.size == 0:
            return {"schema": SCHEMA, "file": self._sound, "audio": self._audio}
        if self._source.size > MAX_BYTES:
            raise MalformedFileError("The sidecar is too large to be one.")
        try:
            content = json.loads(self._source.read(0, self._source.size))
        except (ValueError, RecursionError) as error:
            raise MalformedFileError(
                f"The sidecar is not valid JSON ({error}). Repair or remove it."
            ) from error
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise MalformedFileError(
                f"The sidecar is not of the kind {SCHEMA}. It may come from a newer version."
            )
        if not isinstance(content.get("tags", {}), dict):
            raise MalformedFileError("The tags in the sidecar are not an object. Repair it.")
        return content

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return one splice that replaces the whole sidecar."""
        if not changes:
            return []
        content = dict(self._content)
        tags = dict(content.get("tags", {}))
        for slot in SLOTS:
            if slot.name not in changes:
                continue
            text = changes[slot.name]
            if slot.field == PROVENANCE:
                content[PROVENANCE] = json.loads(text) if text else None
            elif slot.field == "keywords":
                tags["keywords"] = split_keywords(text)
            else:
                tags[slot.field] = text
        content["tags"] = {name: value for name, value in tags.items() if value}
        encoded = json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"
        return [Splice(0, self._source.size, encoded)]
