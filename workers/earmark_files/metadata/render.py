"""Plans, results and tags as text for people and as JSON values; no I/O."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earmark_files.metadata.merge import NO_PLACE
from earmark_files.metadata.plan import WritePlan, WriteResult
from earmark_files.metadata.reader import FileTags
from earmark_files.metadata.tags import PROVENANCE
from earmark_files.metadata.words import container_name, in_words


def show_path(path: Path) -> str:
    """Return a path as text that can be printed and encoded anywhere."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def tags_as_json(tags: FileTags) -> dict[str, Any]:
    """Return what was read as JSON values."""
    return {
        "path": show_path(tags.path),
        "container": tags.container,
        "keywords": list(tags.keywords),
        "own_keywords": list(tags.own_keywords),
        "tags": [
            {"field": t.field, "slot": t.slot, "value": t.value, "own": t.own} for t in tags.found
        ],
        "authors": list(tags.provenance.authors()),
        "file_name": vars(tags.file_name) if tags.file_name else None,
        "skipped": dict(tags.skipped),
        "notes": list(tags.notes),
    }


def tags_as_text(tags: FileTags) -> str:
    """Return what was read, one line a slot; ``*`` marks Earmark's own values."""
    lines = [f"{show_path(tags.path)} ({tags.container})"]
    lines += [f"  {'*' if t.own else ' '} {t.slot}: {t.value}" for t in tags.found]
    if tags.file_name:
        lines.append(f"    file name: CatID {tags.file_name.catid}, {tags.file_name.fx_name}")
    lines += [f"  ! {slot}: {in_words(why)}" for slot, why in tags.skipped.items()]
    lines += [f"  ! {in_words(note)}" for note in tags.notes]
    return "\n".join(lines)


def plan_as_json(plan: WritePlan) -> dict[str, Any]:
    """Return a plan as JSON values, without the bytes."""
    return {
        "path": show_path(plan.path),
        "target": show_path(plan.target),
        "container": plan.container,
        "changes": [vars(change) for change in plan.changes],
        "skips": [vars(skip) for skip in plan.skips],
        "notes": list(plan.notes),
        "size": {"before": max(0, plan.snapshot.size), "after": plan.new_size},
    }


def plan_as_text(plan: WritePlan) -> str:
    """Return a plan as a diff.

    ``-`` is what goes, ``+`` what comes, ``~`` a record that changes, ``!`` what is passed over.
    """
    lines = [f"{show_path(plan.target)} ({plan.container})"]
    if plan.is_noop:
        lines.append("    nothing to change")
    for change in plan.changes:
        if change.field == PROVENANCE:
            sign = ("~" if change.after else "-") if change.before else "+"
            lines.append(f"  {sign} {change.slot}: record of Earmark's own tags")
            continue
        if change.before:
            lines.append(f"  - {change.slot}: {change.before}")
        if change.after:
            lines.append(f"  + {change.slot}: {change.after}")
    lines += [f"  ! {s.slot}: {in_words(s.reason)}" for s in plan.skips if s.reason != NO_PLACE]
    if lost := [s.field for s in plan.skips if s.reason == NO_PLACE]:
        lines.append(f"  ! {no_place(lost, plan.container)}")
    lines += [f"  ! {in_words(note)}" for note in plan.notes]
    return "\n".join(lines)


def no_place(fields: Sequence[str], container: str) -> str:
    """Say that a kind of file cannot hold some fields."""
    return f"no place for {', '.join(fields)} in {container_name(container)}"


def result_as_json(result: WriteResult) -> dict[str, Any]:
    """Return a result as JSON values; the undo record is included."""
    return {
        "path": show_path(result.path),
        "status": result.status,
        "method": result.method,
        "changes": [vars(change) for change in result.changes],
        "undo": result.record.to_json() if result.record else None,
    }
