"""Whether the extension of a file's name fits what the file is; the content always decides."""

from __future__ import annotations

from pathlib import Path

from earmark_files.metadata.words import container_name

MISMATCH = "extension_mismatch"

_SUFFIXES = {
    "wav": frozenset({".wav", ".wave", ".bwf", ".rf64", ".bw64"}),
    "aiff": frozenset({".aif", ".aiff", ".aifc"}),
    "flac": frozenset({".flac"}),
    "vorbis": frozenset({".ogg", ".oga"}),
    "opus": frozenset({".opus", ".ogg", ".oga"}),
    "mp3": frozenset({".mp1", ".mp2", ".mp3", ".mpga"}),
    "mp4": frozenset({".m4a", ".m4b", ".m4r", ".m4v", ".mp4", ".mov", ".3gp"}),
}


def extension_notes(path: Path, container: str) -> tuple[str, ...]:
    """Return a note when the name says another kind of file than the content is.

    Parameters
    ----------
    path : Path
        The file as people name it.
    container : str
        What its content is. Kinds that hold no tags get no note: a sidecar does not depend on
        what the sound is. Neither do extensions that belong to no kind.
    """
    named = {kind for kind, suffixes in _SUFFIXES.items() if path.suffix.lower() in suffixes}
    if container not in _SUFFIXES or not named or container in named:
        return ()
    return (f"{MISMATCH}: {container_name(container)}",)
