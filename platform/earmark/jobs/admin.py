"""Admin pages of runs, jobs and predictions, and the actions that start and cancel runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.selectors import get_default_classifier
from earmark.core.admin import ResultAdmin, link_to_list
from earmark.core.errors import EarmarkError
from earmark.jobs.errors import RunCancelledError
from earmark.jobs.forms import StartRunForm
from earmark.jobs.models import Job, PredictionSet, Run, RunEvent, Worker
from earmark.jobs.scores import unpack_scores
from earmark.jobs.selection import Selection
from earmark.jobs.selectors import count_jobs
from earmark.jobs.services import cancel_run, pause_run, resume_run, retry_run, submit_run
from earmark.library.admin import LibraryAdmin
from earmark.library.models import Library

_SHOWN = 5


@admin.register(Run)
class RunAdmin(ResultAdmin):
    """Runs and how far they are."""

    list_display = [
        *("id", "library", "standing", "progress", "mode", "priority"),
        *("created_at", "finished_at"),
    ]
    list_filter = ["state", ("paused_at", admin.EmptyFieldListFilter), "library", "classifiers"]
    list_select_related = ["library"]
    list_per_page = 20
    readonly_fields = ["progress"]
    actions = ["pause", "resume", "cancel", "retry"]

    @admin.display(description="jobs")
    def progress(self, run: Run) -> SafeString:
        """Exact counts, each a link to the jobs."""
        counts = count_jobs(run=run)
        parts = (
            (
                link_to_list(
                    "jobs_job",
                    f"{getattr(counts, state):,} {state}",
                    {"run__id__exact": run.pk, "state__exact": state},
                ),
            )
            for state in Job.State.values
            if getattr(counts, state)
        )
        return format_html_join(", ", "{}", parts)

    @admin.display(description="state", ordering="state")
    def standing(self, run: Run) -> str:
        """How far the run is, or that it is paused."""
        return run.standing

    @admin.action(description="Pause: let no more jobs be taken", permissions=["steer"])
    def pause(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """Pause runs."""
        for run in runs:
            done = "paused" if pause_run(run=run) else "paused already, or over"
            self.message_user(request, f"Run {run.pk}: {done}.")

    @admin.action(description="Resume paused runs", permissions=["steer"])
    def resume(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """Let paused runs go on."""
        for run in runs:
            done = "goes on" if resume_run(run=run) else "was not paused"
            self.message_user(request, f"Run {run.pk}: {done}.")

    @admin.action(description="Cancel what has not begun", permissions=["steer"])
    def cancel(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """Cancel runs."""
        for run in runs:
            count = cancel_run(run=run)
            self.message_user(request, f"Run {run.pk}: {count} jobs cancelled.")

    @admin.action(description="Try failed jobs again", permissions=["steer"])
    def retry(self, request: HttpRequest, runs: QuerySet[Run]) -> None:
        """Queue failed jobs again."""
        for run in runs:
            try:
                count = retry_run(run=run)
            except RunCancelledError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            self.message_user(request, f"Run {run.pk}: {count} jobs queued again.")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say who may pause, cancel and retry, although nobody may edit the rows."""
        return request.user.has_perm("jobs.change_run")


@admin.register(RunEvent)
class RunEventAdmin(ResultAdmin):
    """What has happened to runs."""

    list_display = ["id", "run", "kind", "jobs", "audio_seconds", "payload", "created_at"]
    list_filter = ["kind"]


@admin.register(Worker)
class WorkerAdmin(ResultAdmin):
    """Workers and when they were last heard of."""

    list_display = [
        *("name", "queues", "classifiers", "device", "batch_fill"),
        *("device_memory_used", "last_seen_at"),
    ]


@admin.register(Job)
class JobAdmin(ResultAdmin):
    """Jobs and what became of them."""

    list_display = [
        *("id", "file", "classifier", "state", "reason_code", "reason_message"),
        *("tries", "attempts", "worker", "not_before", "finished_at"),
    ]
    list_filter = ["state", "reason_code", "retryable", "classifier", "run__library"]
    list_select_related = ["file", "classifier"]
    search_fields = ["file__path"]
    raw_id_fields = ["file", "run"]


@admin.register(PredictionSet)
class PredictionSetAdmin(ResultAdmin):
    """What classifiers said, per piece of audio."""

    list_display = ["audio_hash", "classifier", "top_labels", "created_at"]
    list_filter = ["classifier"]
    list_select_related = ["classifier"]
    search_fields = ["audio_hash"]
    fields = ["audio_hash", "classifier", "all_labels", "created_at"]
    readonly_fields = ["all_labels"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PredictionSet]:
        """Leave the timelines, which are large and not shown, where they are."""
        return super().get_queryset(request).defer("timeline", "embedding")

    @admin.display(description="highest scores")
    def top_labels(self, found: PredictionSet) -> str:
        """The best few, in one line."""
        scores = unpack_scores(found.scores[:_SHOWN], found.classifier.label_list)
        return ", ".join(f"{score.label.name} {score.score:.2f}" for score in scores)

    @admin.display(description="scores")
    def all_labels(self, found: PredictionSet) -> SafeString:
        """All that are kept, with the seconds that speak most for them."""
        scores = unpack_scores(found.scores, found.classifier.label_list)
        rows = (
            (f"{score.score:.3f}", score.label.name, _seconds(score.start, score.end))
            for score in scores
        )
        return format_html("<table>{}</table>", _rows(rows))


def _rows(rows: object) -> SafeString:
    return format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)  # type: ignore[arg-type]


def _seconds(start: float | None, end: float | None) -> str:
    return "" if start is None or end is None else f"{start:.1f} to {end:.1f} s"


def _start_default(
    page: LibraryAdmin, request: HttpRequest, libraries: QuerySet[Library], *, write: bool
) -> None:
    try:
        classifier = get_default_classifier()
    except EarmarkError as error:
        page.message_user(request, str(error), messages.ERROR)
        return
    _start(page, request, libraries, [classifier], write=write)


def _start(
    page: LibraryAdmin,
    request: HttpRequest,
    libraries: Iterable[Library],
    classifiers: Sequence[ClassifierVersion],
    *,
    write: bool,
    under: str = "",
    selection: Selection | None = None,
    mode: Run.Mode = Run.Mode.MISSING,
    priority: int = 0,
) -> None:
    user = request.user if isinstance(request.user, User) else None
    names = ", ".join(classifier.identity for classifier in classifiers)
    for library in libraries:
        run = submit_run(
            library=library,
            classifiers=classifiers,
            under=under,
            selection=selection,
            mode=mode,
            priority=priority,
            options={"command": "work", "write": write, Run.FOLLOW_UP: True},
            requested_by=user,
            # Tags of earlier runs may still have to go into the files.
            keep_empty=write and library.last_scan_at is not None,
        )
        if run is None:
            page.message_user(request, _nothing_to_do(library, names), messages.WARNING)
            continue
        text = "Run {} over {} is queued: {} jobs for {}. {}"
        jobs = count_jobs(run=run).total
        link = link_to_list("jobs_run", "See how far it is", {"id": run.pk})
        page.message_user(request, format_html(text, run.pk, library.name, jobs, names, link))
    page.message_user(
        request,
        "The worker that `make up` runs beside these pages takes it up within seconds; "
        "elsewhere start one with `earmark work`.",
        messages.INFO,
    )


def _nothing_to_do(library: Library, names: str) -> str:
    if library.last_scan_at is None:
        return f"{library.name} has not been scanned: scan it first, then start the run."
    return f"{library.name}: every file that can be read has a result of {names}."


@admin.action(description="Start run: classify, write tags into files", permissions=["change"])
def start_run(page: LibraryAdmin, request: HttpRequest, libraries: QuerySet[Library]) -> None:
    """Queue the classification of libraries; accepted tags go into the files."""
    _start_default(page, request, libraries, write=True)


@admin.action(description="Start run: classify, leave files alone", permissions=["change"])
def start_run_without_writing(
    page: LibraryAdmin, request: HttpRequest, libraries: QuerySet[Library]
) -> None:
    """Queue the classification of libraries; the tags stay in the database."""
    _start_default(page, request, libraries, write=False)


@admin.action(description="Start run with ... (choose)", permissions=["change"])
def start_run_with(
    page: LibraryAdmin, request: HttpRequest, libraries: QuerySet[Library]
) -> TemplateResponse | None:
    """Ask which classifiers, which files and what else, then queue the runs."""
    form = StartRunForm(request.POST if "start" in request.POST else None)
    if not form.is_valid():
        context = {
            **page.admin_site.each_context(request),
            "title": "Start run",
            "form": form,
            "libraries": libraries,
        }
        return TemplateResponse(request, "jobs/start_run.html", context)
    told = form.cleaned_data
    _start(
        page,
        request,
        libraries,
        list(told["classifiers"]),
        write=told["write"],
        under=told["under"].strip("/"),
        selection=form.selection,
        mode=Run.Mode(told["mode"]),
        priority=told["priority"],
    )
    return None


# The page of libraries cannot know about runs, which build on it.
LibraryAdmin.actions = [*LibraryAdmin.actions, start_run, start_run_without_writing, start_run_with]
