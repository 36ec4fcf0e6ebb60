"""Read and write the tags of sound files, and change nothing else in them.

A pure library: no Django, no torch. Usage::

    from pathlib import Path
    from earmark_files.metadata import Policy, TagSet, apply, plan_write, read_tags, undo

    path = Path("dog.wav")
    print(read_tags(path).keywords)             # all keywords of all containers, once each

    tags = TagSet(
        keywords=("dog", "bark"),               # no commas or semicolons inside a keyword
        category="ANIMALS", subcategory="DOG", catid="ANMLDog",
        description="A dog barks twice",
        genre="Dog, Bark",                      # ID3 TCON, Vorbis GENRE, MP4 genre
        authors=("audioset@1.0.0",),            # goes into the provenance record
    )
    plan = plan_write(path, tags, Policy.replace_own())  # touches nothing; prints with render
    if not plan.is_noop:
        store(plan.undo.to_json())              # before the write: then a crash loses nothing
        result = apply(plan)                    # .status, .method, .changes, .record
        undo(result.record)                     # byte for byte the old file, or ConflictError

`Policy()` only fills gaps, `Policy.merge_keywords()` adds keywords, `Policy.replace_own()` brings
Earmark's own earlier tags up to date and never touches a person's; `Policy(fields={...})` sets a
`Mode` per field. An empty `TagSet` under `Policy.replace_own()` withdraws all of Earmark's tags.
`TagSet(..., by_person=True)` is a person's word: it is not recorded as Earmark's to change later.
`plan_write(..., audio_hash=audio_identity(path).hash)` saves reading the audio a second time.
Formats without tags, and read-only files, get a sidecar ``<name>.earmark.json``.
`UndoRecord.to_json` / `UndoRecord.from_json` (or `dumps` / `loads`) store a record in a database;
`undo(record, path=...)` follows a file that was moved. `remove_stale_in(folder)` clears temporary
files of killed writers; `apply` does so by itself for the file it writes.
`undo_store.UndoStore` keeps records as files, where there is no database.

Everything raised on purpose is a `MetadataError` (an `AudioFileError`) with a stable ``code``:
``invalid_tag``, ``malformed_file``, ``truncated``, ``unsupported_structure``,
``unsupported_format``, ``not_audio``, ``needs_rf64``, ``too_large``, ``conflict``, ``locked``,
``read_only``, ``permission_denied``, ``no_space``, ``write_failed``, ``verification_failed``,
``bad_undo_record``, ``file_not_found``, ``not_a_regular_file``. The file is whole in every case.
After ``not_synced`` it is the new one; after ``interrupted_write`` (in place only) its tags need
the next run.
Texts and JSON for people and programs: `earmark_files.metadata.render`.
"""

from earmark_files.metadata.errors import (
    ConflictError,
    InvalidTagError,
    LockedError,
    MalformedFileError,
    MetadataError,
    NoSpaceError,
    ReadOnlyError,
    RecordError,
    UnsupportedStructureError,
    VerificationError,
    WriteFailedError,
)
from earmark_files.metadata.merge import Skip
from earmark_files.metadata.plan import FieldChange, Snapshot, UndoRecord, WritePlan, WriteResult
from earmark_files.metadata.planning import plan_write
from earmark_files.metadata.policy import Mode, Policy, Sidecar
from earmark_files.metadata.reader import FileTags, FoundTag, read_tags
from earmark_files.metadata.tags import Provenance, TagSet
from earmark_files.metadata.temporaries import remove_stale_in
from earmark_files.metadata.undoing import undo
from earmark_files.metadata.writer import apply

__all__ = [
    "ConflictError",
    "FieldChange",
    "FileTags",
    "FoundTag",
    "InvalidTagError",
    "LockedError",
    "MalformedFileError",
    "MetadataError",
    "Mode",
    "NoSpaceError",
    "Policy",
    "Provenance",
    "ReadOnlyError",
    "RecordError",
    "Sidecar",
    "Skip",
    "Snapshot",
    "TagSet",
    "UndoRecord",
    "UnsupportedStructureError",
    "VerificationError",
    "WriteFailedError",
    "WritePlan",
    "WriteResult",
    "apply",
    "plan_write",
    "read_tags",
    "remove_stale_in",
    "undo",
]
