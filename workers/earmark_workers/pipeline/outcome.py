"""What is known about files, as reports: the one source of every output of `tag`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from django.db.models import Max, QuerySet

from earmark.jobs.models import Job, PredictionSet
from earmark.jobs.scores import StoredScore
from earmark.jobs.selectors import get_scores
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.tagging.models import Tag, TagSet
from earmark.tagging.selectors import get_tags
from earmark.writeback.models import TagWrite
from earmark_workers.engine.messages import SILENT
from earmark_workers.pipeline.tagging import Rules
from earmark_workers.report.values import (
    ErrorReport,
    FileReport,
    PredictionReport,
    Status,
    TagReport,
)

TOP = 10
"""Predictions shown of each file."""

_BATCH = 500
_BROKEN = (TagWrite.State.FAILED, TagWrite.State.REFUSED)
_SETTLED = (TagWrite.State.WRITTEN, TagWrite.State.UNCHANGED)


def reports_for(
    file_ids: Collection[int],
    rules: Rules,
    *,
    written: bool,
    fresh: bool,
) -> list[tuple[int, FileReport]]:
    """Report on some files, in order of their path; files without any outcome are left out.

    Parameters
    ----------
    file_ids : collection of int
    rules : Rules
    written : bool
        Whether tags are meant to be in the files: then a failed write is a failure.
    fresh : bool
        Whether something was done for them just now.

    Returns
    -------
    list of (int, FileReport)
        File id and report.
    """
    files = list(
        AudioFile.objects.filter(pk__in=file_ids).select_related("library").order_by("path")
    )
    facts = _Facts(files, rules)
    reports = ((file.pk, facts.report(file, written, fresh)) for file in files)
    return [(pk, report) for pk, report in reports if report is not None]


def iterate_reports(
    library: Library, under: str, rules: Rules, *, written: bool, skip: Collection[int]
) -> Iterator[FileReport]:
    """Report on all files below a folder except `skip`: those that needed no new work."""
    ids = [pk for pk in _on_disk(library, under).values_list("pk", flat=True) if pk not in skip]
    yield from iterate_known(ids, rules, written=written)


def iterate_known(file_ids: Iterable[int], rules: Rules, *, written: bool) -> Iterator[FileReport]:
    """Report on files that needed no new work, a batch of queries at a time."""
    ids = iter(file_ids)
    while batch := list(islice(ids, _BATCH)):
        for _, report in reports_for(batch, rules, written=written, fresh=False):
            yield report


def find_statuses(
    library: Library, under: str, rules: Rules, *, written: bool, skip: Collection[int]
) -> dict[int, Status]:
    """Find the statuses `iterate_reports` would tell, without reading predictions and tags."""
    statuses: dict[int, Status] = {}
    rows = _on_disk(library, under).values_list("pk", "state", "error_code", "audio_hash")
    facts = {pk: rest for pk, *rest in rows if pk not in skip}
    scored = set(
        PredictionSet.objects.filter(
            classifier__in=rules.classifiers,
            audio_hash__in=AudioFile.objects.filter(library=library).values("audio_hash"),
        ).values_list("audio_hash", flat=True)
    )
    last = _last_writes_in(library)
    failed = set(_failed_jobs(rules).filter(file__library=library).values_list("file", flat=True))
    keys = _tags_keys(TagSet.objects.filter(file__library=library))
    for pk, (state, code, audio_hash) in facts.items():
        write = _write_of(keys.get(pk), last.get(pk))
        status = _status(state, code, audio_hash in scored, pk in failed, write, written)
        if status is not None:
            statuses[pk] = status
    return statuses


def _on_disk(library: Library, under: str) -> AudioFileQuerySet:
    return list_files(library=library, under=under).on_disk()


def _failed_jobs(rules: Rules) -> QuerySet[Job]:
    """Return the jobs that tell why a file has no scores although nothing is wrong with it."""
    return Job.objects.filter(classifier__in=rules.classifiers, state=Job.State.FAILED)


def _status(
    state: str, code: str, scored: bool, failed: bool, write: str | None, written: bool
) -> Status | None:
    if code == SILENT:
        return Status.SKIPPED
    if state != AudioFile.State.PRESENT:
        return Status.FAILED
    if not scored:
        return Status.FAILED if failed else None
    if written and write in _BROKEN:
        return Status.FAILED
    return Status.TAGGED if write in _SETTLED else Status.CLASSIFIED


def _write_of(tags_key: str | None, last: tuple[str, str] | None) -> str | None:
    """Return the state of the last write if it was of the present tags, or went wrong."""
    if last is None:
        return None
    state, written_key = last
    return state if written_key == tags_key or state in _BROKEN else None


def _tags_keys(sets: QuerySet[TagSet]) -> dict[int, str]:
    return dict(sets.values_list("file", "tags_key"))


class _Facts:
    """Everything stored about a batch of files, read in a few queries."""

    def __init__(self, files: Collection[AudioFile], rules: Rules) -> None:
        ids = [file.pk for file in files]
        hashes = {file.audio_hash for file in files}
        self._scores: dict[str, list[StoredScore]] = {}
        for classifier in rules.classifiers:
            for audio_hash, scores in get_scores(
                classifier=classifier, audio_hashes=hashes
            ).items():
                self._scores.setdefault(audio_hash, []).extend(scores)
        self._tags = get_tags(file_ids=ids)
        self._keys = _tags_keys(TagSet.objects.filter(file__in=ids))
        last = TagWrite.objects.filter(file__in=ids).values("file").annotate(last=Max("pk"))
        rows = TagWrite.objects.filter(pk__in=[row["last"] for row in last])
        self._writes = {write.file_id: write for write in rows.defer("undo", "plan")}
        unscored = [file.pk for file in files if file.audio_hash not in self._scores]
        jobs = _failed_jobs(rules).filter(file__in=unscored).order_by("pk")
        self._jobs = {job.file_id: job for job in jobs}

    def report(self, file: AudioFile, written: bool, fresh: bool) -> FileReport | None:
        """Report on one of the files; None if nothing was found out about it yet."""
        scores = self._scores.get(file.audio_hash)
        write = self._writes.get(file.pk)
        status = _status(
            file.state,
            file.error_code,
            scores is not None,
            file.pk in self._jobs,
            _write_of(
                self._keys.get(file.pk),
                (write.state, write.tags_key) if write is not None else None,
            ),
            written,
        )
        if status is None:
            return None
        error = self._error(file, status, write)
        healthy = file.state == AudioFile.State.PRESENT
        return FileReport(
            path=str(file.location),
            status=status,
            error=error,
            duration=file.duration if healthy else None,
            tags=self._tags_of(file) if healthy else (),
            predictions=tuple(
                PredictionReport(score.label.name, score.label.id, score.score)
                for score in sorted(scores or [], key=lambda found: -found.score)[:TOP]
            )
            if healthy
            else (),
            fresh=fresh,
        )

    def _error(self, file: AudioFile, status: Status, write: TagWrite | None) -> ErrorReport | None:
        job = self._jobs.get(file.pk)
        if file.error_code:
            return ErrorReport(file.error_code, file.error_message)
        if job is not None:
            return ErrorReport(job.reason_code, job.reason_message)
        if status is Status.FAILED and write is not None:
            return ErrorReport(write.error_code, write.error_message)
        return None

    def _tags_of(self, file: AudioFile) -> tuple[TagReport, ...]:
        return tuple(
            TagReport(tag.name, tag.confidence or 0.0, tag.label, tag.origin)
            for tag in self._tags[file.pk]
            if tag.decision == Tag.Decision.ACCEPT
        )


def _last_writes_in(library: Library) -> dict[int, tuple[str, str]]:
    """Return state and tags of the last write of every file of a library."""
    rows = TagWrite.objects.filter(file__library=library).order_by("pk")
    return {pk: (state, key) for pk, state, key in rows.values_list("file", "state", "tags_key")}
