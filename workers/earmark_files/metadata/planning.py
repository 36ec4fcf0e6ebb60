"""Make a plan: read the file, decide, and prove on paper that the write reads back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from earmark_files.metadata.containers import open_document, reopen
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.document import Document, Payload, is_skipped
from earmark_files.metadata.errors import (
    MetadataError,
    ReadOnlyError,
    VerificationError,
    from_os_error,
)
from earmark_files.metadata.extension import extension_notes
from earmark_files.metadata.in_place import recover
from earmark_files.metadata.merge import NO_PLACE, Decision, Skip, decide
from earmark_files.metadata.plan import ABSENT, FieldChange, Snapshot, UndoRecord, WritePlan
from earmark_files.metadata.policy import Policy, Sidecar
from earmark_files.metadata.sidecar import SidecarDocument, sidecar_path
from earmark_files.metadata.source import (
    BytesSource,
    FileSource,
    Source,
    Splice,
    SplicedSource,
    invert,
    normalise,
)
from earmark_files.metadata.tags import FIELDS, PROVENANCE, TagSet


def recover_interrupted(target: Path) -> None:
    """Put right what a killed write in place left behind, before anything is read."""
    try:
        recover(target, Disk())
    except OSError as error:
        raise from_os_error(error, target) from error


@contextmanager
def open_source(path: Path) -> Iterator[tuple[FileSource, os.stat_result]]:
    """Open a regular file for reading; turn operating system errors into ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise from_os_error(error, path) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MetadataError("This is not a regular file.", code="not_a_regular_file", path=path)
        yield FileSource(descriptor), status
    except OSError as error:
        raise from_os_error(error, path) from error
    except MetadataError as error:
        error.path = error.path or path
        raise
    finally:
        os.close(descriptor)


def snapshot_of(
    document: Document, source: Source, mtime_ns: int, payload: str | None = None
) -> Snapshot:
    """Return the state of an open file; hashes its audio unless the hash is given."""
    digest = payload or document.payload.digest(source)
    return Snapshot(source.size, mtime_ns, digest, document.payload.rest_digest(source))


def writable(path: Path, status: os.stat_result) -> bool:
    """Whether file and folder allow a write; a file nobody may write is left alone even by root."""
    may_write = bool(status.st_mode & 0o222)
    return may_write and os.access(path.parent, os.W_OK | os.X_OK)


def plan_write(
    path: Path, tags: TagSet, policy: Policy | None = None, *, audio_hash: str | None = None
) -> WritePlan:
    """Work out what writing `tags` would change, without touching the file.

    The one exception: a write in place that was killed before is put right first.

    Parameters
    ----------
    path : Path
        A sound file; symbolic links are followed and kept.
    tags : TagSet
        What the file shall say.
    policy : Policy, optional
        How far the write may go; by default only gaps are filled.
    audio_hash : str, optional
        `audio_identity(path).hash` if it was worked out for this very state of the file; saves
        reading the audio once more. A wrong one is found out by `apply`.

    Raises
    ------
    MetadataError
        Codes ``malformed_file``, ``truncated``, ``unsupported_structure``, ``needs_rf64``,
        ``not_audio``, ``unsupported_format``, ``read_only``, ``file_not_found`` and others; the
        file is untouched in every case.
    """
    policy = policy or Policy()
    target = Path(os.path.realpath(path))
    recover_interrupted(target)
    with open_source(target) as (source, status):
        if policy.sidecar is Sidecar.ALWAYS:
            return _plan_sidecar(path, target, tags, policy, audio_hash, ())
        try:
            document = open_document(source, policy)
        except MetadataError as error:
            if error.code != "unsupported_format" or policy.sidecar is Sidecar.NEVER:
                raise
            return _plan_sidecar(path, target, tags, policy, audio_hash, ("format_without_tags",))
        notes = extension_notes(path, document.container)
        reason = ""
        if not writable(target, status):
            reason = "read_only"
        elif not _can_record(document):
            reason = "no_place_for_provenance"
        if reason and policy.sidecar is not Sidecar.NEVER:
            return _plan_sidecar(path, target, tags, policy, audio_hash, (reason, *notes))
        if reason == "read_only":
            raise ReadOnlyError(
                "The file, or its folder, must not be written to. Change its permissions or "
                "allow a sidecar.",
                path=path,
            )
        before = snapshot_of(document, source, status.st_mtime_ns, audio_hash)
        return _finish(path, target, document, source, before, tags, policy, notes)


def _can_record(document: Document) -> bool:
    """Whether there is a place for the record of which tags are Earmark's."""
    return any(
        slot.field == PROVENANCE and not is_skipped(document.skipped, slot.name)
        for slot in document.slots
    )


def _plan_sidecar(
    path: Path,
    sound: Path,
    tags: TagSet,
    policy: Policy,
    audio_hash: str | None,
    notes: tuple[str, ...],
) -> WritePlan:
    """Plan to write, or change, the sidecar of a sound."""
    target = sidecar_path(sound)
    if not os.access(sound.parent, os.W_OK | os.X_OK):
        if policy.sidecar_dir is None:
            raise ReadOnlyError(
                "The folder of this file must not be written to and no sidecar folder is set. "
                "Change its permissions or set one.",
                path=path,
            )
        target = sidecar_path(sound, policy.sidecar_dir)
    name = sound.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not target.exists():
        empty = BytesSource(b"")
        document = SidecarDocument(empty, sound=name, audio=audio_hash or "")
        return _finish(path, target, document, empty, ABSENT, tags, policy, notes)
    with open_source(target) as (source, status):
        document = SidecarDocument(source, sound=name, audio=audio_hash or "")
        before = snapshot_of(document, source, status.st_mtime_ns)
        return _finish(path, target, document, source, before, tags, policy, notes)


def _finish(
    path: Path,
    target: Path,
    document: Document,
    source: Source,
    before: Snapshot,
    tags: TagSet,
    policy: Policy,
    notes: tuple[str, ...] = (),
) -> WritePlan:
    """Decide, work out the splices and check them against a virtual new file."""
    decision = decide(document.slots, document.values, tags, policy, document.skipped)
    told = {**document.values, **decision.changes}
    edit = Edit(
        splices=document.edit(decision.changes),
        expected={name: text for name, text in told.items() if text},
        changes=_diff(document, decision),
        skips=(*decision.skips, *_without_place(document, tags), *_blocked(document)),
        notes=(*notes, *document.notes),
    )
    return plan_edit(path, target, document, source, before, edit, policy)


@dataclass(frozen=True)
class Edit:
    """What is to become of a file; the parts of `WritePlan` that a container decides about."""

    splices: Iterable[Splice]
    expected: dict[str, str]
    changes: tuple[FieldChange, ...]
    skips: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()


def plan_edit(
    path: Path,
    target: Path,
    document: Document,
    source: Source,
    before: Snapshot,
    edit: Edit,
    policy: Policy,
) -> WritePlan:
    """Check an edit against a virtual new file and make a plan of it.

    Raises
    ------
    VerificationError
        When audio or tags of the new file would not be as they should.
    """
    splices = normalise(edit.splices, source.size)
    after, audio_after = _check_on_paper(document, source, splices, edit.expected, before, policy)
    record = UndoRecord(target, document.container, before, after, invert(splices, source))
    return WritePlan(
        path=path,
        target=target,
        container=document.container,
        changes=edit.changes,
        skips=edit.skips,
        notes=edit.notes,
        undo=record,
        splices=splices,
        audio_before=document.payload,
        audio_after=audio_after,
        expected=edit.expected,
        policy=policy,
    )


def _check_on_paper(
    document: Document,
    source: Source,
    splices: tuple[Splice, ...],
    expected: dict[str, str],
    before: Snapshot,
    policy: Policy,
) -> tuple[Snapshot, Payload]:
    """Parse the file as it will be; refuse the plan unless audio and tags are as they should."""
    if not splices:
        return before, document.payload
    future = SplicedSource(source, splices)
    parsed = reopen(document.container, future, policy)
    if dict(parsed.values) != expected:
        wrong = sorted(
            name
            for name in {*parsed.values, *expected}
            if parsed.values.get(name) != expected.get(name)
        )
        raise VerificationError(
            f"The tags would not read back as planned ({', '.join(wrong)}). The file is unchanged; "
            "please report it."
        )
    if parsed.payload.size != document.payload.size:
        raise VerificationError("The audio would change its length. The file is unchanged.")
    payload = before.payload or parsed.payload.digest(future)
    rest = parsed.payload.rest_digest(future)
    return Snapshot(future.size, 0, payload, rest), parsed.payload


def _diff(document: Document, decision: Decision) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            slot.field, slot.name, document.values.get(slot.name, ""), decision.changes[slot.name]
        )
        for slot in document.slots
        if slot.name in decision.changes
    )


def _blocked(document: Document) -> list[Skip]:
    return [Skip("", slot, "", reason) for slot, reason in document.skipped.items()]


def _without_place(document: Document, tags: TagSet) -> list[Skip]:
    """Return the fields that are wanted but for which this kind of file has no slot at all."""
    known = {slot.field for slot in document.slots}
    lost = [name for name in FIELDS if tags.get(name) and name not in known]
    return [Skip(name, "", tags.get(name), NO_PLACE) for name in lost]
