"""A large library in a database, its index and its queue, for the benchmark of the API."""

from __future__ import annotations

import argparse
import sys
import time


def make(options: argparse.Namespace) -> None:
    """Fill the database; every file counts as changed."""
    from api_library import make_library
    from django.core.management import call_command
    from django.db import connection, transaction

    from earmark.core.change_log import install_change_logs

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        # Noted at the end for all instead of one by one: what finds its triggers missing does.
        for log in _logs():
            log.remove()
        if not options.sqlite:
            cursor.execute("DROP INDEX search_document_vector_idx")  # made again by `index`
        make_library(options.files)
        if not options.sqlite:
            for table in ("library_audiofile", "tagging_tag", "tagging_tagset"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
        install_change_logs()
        _leave_to_reviewers(cursor)
    _say(f"{options.files:,} files made in {time.perf_counter() - began:.0f} s")


def index(options: argparse.Namespace) -> None:
    """Index what was noted, for some minutes; at the end the queue, indexes and statistics."""
    from earmark.search.services import index_changes

    began = time.perf_counter()
    done = index_changes(seconds=60 * options.minutes)
    seconds = time.perf_counter() - began
    _say(f"{done.files:,} files indexed in {seconds:.0f} s, {done.files / seconds:,.0f} a second")
    if not done.finished:
        _say("not all is done: run this once more")
        return
    _fill_queue()
    _tidy(sqlite=options.sqlite)
    _take_up_embeddings()
    _say(f"all is done ({time.perf_counter() - began:.0f} s)")


def _logs() -> tuple[object, ...]:
    from earmark.review.change_log import TAGS
    from earmark.search.change_log import EMBEDDINGS, FILES

    return FILES, EMBEDDINGS, TAGS


def _leave_to_reviewers(cursor: object) -> None:
    """Keep the notes of files with tags in doubt: of the others a queue would want one in seven."""
    cursor.execute("DELETE FROM review_duefile")
    cursor.execute(
        "INSERT INTO review_duefile (file_id) "
        "SELECT DISTINCT file_id FROM tagging_tag WHERE decision = 'review'"
    )


def _fill_queue() -> None:
    """Make items as the clock does."""
    from earmark.review.services import refresh_noted

    new = sum(done.new for _, done in refresh_noted())
    _say(f"{new:,} items of review made")


def _tidy(*, sqlite: bool) -> None:
    """Do what a database does for itself in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        if sqlite:
            cursor.execute("INSERT INTO search_text (search_text) VALUES ('optimize')")
            cursor.execute("ANALYZE")
            return
        cursor.execute(
            "CREATE INDEX IF NOT EXISTS search_document_vector_idx "
            "ON search_searchdocument USING gin (vector) WITH (fastupdate = off) "
            "WHERE state IN ('present', 'failed')"
        )
        cursor.execute("VACUUM ANALYZE")


def _take_up_embeddings() -> None:
    from earmark.classifiers.models import ClassifierVersion
    from earmark.search.taking_up import open_matrix, take_up

    classifier = ClassifierVersion.objects.get(name="audioset", version="bench")
    take_up(classifier, open_matrix(classifier))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
