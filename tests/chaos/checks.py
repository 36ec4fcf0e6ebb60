"""What must be true after a chaos run, whatever happened during it. Each check yields faults."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark_files.decoding import stream_rates
from earmark_files.identity import audio_identity
from earmark_files.metadata import read_tags, remove_stale_in
from tests.celery_harness import Site
from tests.chaos.sounds import POISON_CODES, Sounds
from tests.tag_harness import Installation

_SCORES = """
SELECT f.path, p.scores FROM library_audiofile f
JOIN jobs_predictionset p ON p.audio_hash = f.audio_hash WHERE f.audio_hash <> ''
"""
_TAGS = """
SELECT f.path, t.name, t.decision, t.origin FROM tagging_tag t
JOIN library_audiofile f ON f.id = t.file_id
"""
_LAST = """
SELECT f.path, j.state, j.reason_code FROM jobs_job j
JOIN library_audiofile f ON f.id = j.file_id WHERE j.run_id = {run}
"""
_WRITES = """
SELECT f.path, count(*) FROM writeback_tagwrite w
JOIN library_audiofile f ON f.id = w.file_id WHERE w.state = 'written' GROUP BY f.path
"""


def check_jobs(site: Site, sounds: Sounds, run: int) -> Iterator[str]:
    """Every job has ended, the good ones well and the others with a reason that fits."""
    seen = set()
    for path, state, code in site.rows(_LAST.format(run=run)):
        seen.add(path)
        if path in sounds.good and state != "succeeded":
            yield f"{path}: {state} {code}"
        if path in sounds.poison and (state != "failed" or code not in POISON_CODES):
            yield f"{path}: poisonous, and {state} {code}"
    for path in sorted({*sounds.good, *sounds.poison} - seen):
        yield f"{path}: has no job"


def check_counts(site: Site, run: int) -> Iterator[str]:
    """What the command says is what the rows say, and what the events add up to."""
    told = json.loads(site.run("jobs", "status", "--run", str(run), "--json").out.splitlines()[0])
    rows = dict(
        site.rows(f"SELECT state, count(*) FROM jobs_job WHERE run_id = {run} GROUP BY state")
    )
    said = {state: told["jobs"][state] for state in rows}
    if said != rows:
        yield f"jobs status says {said}, the rows {rows}"
    events = dict(
        site.rows(
            "SELECT kind, sum(jobs) FROM jobs_runevent "
            f"WHERE run_id = {run} AND kind IN ('succeeded', 'reused') GROUP BY kind"
        )
    )
    if sum(events.values()) != rows.get("succeeded", 0):
        yield f"events tell of {events}, the rows of {rows}"


def check_tags(site: Site) -> Iterator[str]:
    """No file has two sets of tags, or was written more than once."""
    for path, count in site.rows(_WRITES):
        if count != 1:
            yield f"{path}: written {count} times"
    twice = Counter((path, name) for path, name, *_ in site.rows(_TAGS))
    yield from (f"{key}: {count} times" for key, count in twice.items() if count > 1)


def check_files(site: Site, sounds: Sounds) -> Iterator[str]:
    """No file is half-written: audio as it was, readable to its end, tags as the database says."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for path, name, decision, _ in site.rows(_TAGS):
        if decision == "accept":
            wanted[path].add(name)
    for path, audio in sounds.good.items():
        location = sounds.root / path
        if audio_identity(location).hash != audio:
            yield f"{path}: the audio has changed"
            continue
        with stream_rates(location, sample_rates=(8000,)) as blocks:
            frames = sum(len(block) for _, block in blocks)
        if frames < 8000 * 0.9:
            yield f"{path}: only {frames} frames can be read"
        if not wanted[path] <= set(read_tags(location).keywords):
            yield f"{path}: lacks {wanted[path] - set(read_tags(location).keywords)}"
    for path, content in sounds.poison.items():
        if (sounds.root / path).read_bytes() != content:
            yield f"{path}: a file that cannot be read was changed"


def check_leftovers(sounds: Sounds) -> Iterator[str]:
    """Nothing lies about but what dead writers have left, and that can be told and removed."""
    for folder in [sounds.root, *(path for path in sounds.root.rglob("*") if path.is_dir())]:
        remove_stale_in(folder, grace=0)
    known = {*sounds.good, *sounds.poison}
    for path in sounds.root.rglob("*"):
        if path.is_file() and str(path.relative_to(sounds.root)) not in known:
            yield f"{path}: nobody removes it"


def check_equal(site: Site, quiet: Installation, sounds: Sounds, copy: Path) -> Iterator[str]:
    """Scores, tags and files are those of a quiet run, to the byte."""
    for query in (_SCORES, _TAGS):
        ours, theirs = _by_path(site.rows(query)), _by_path(quiet.rows(query))
        for path in sounds.good:
            if ours[path] != theirs[path]:
                yield f"{path}: {ours[path]} here, {theirs[path]} in the quiet run"
    for path in sounds.good:
        if (sounds.root / path).read_bytes() != (copy / path).read_bytes():
            yield f"{path}: not the same bytes as after the quiet run"


def _by_path(rows: list[tuple[Any, ...]]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path, *rest in rows:
        values = [json.loads(v) if isinstance(v, str) and v[:1] == "[" else v for v in rest]
        found[path].append(json.dumps(values))
    for values in found.values():
        values.sort()
    return found
