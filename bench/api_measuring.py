"""What some clients at once wait for the API, each kind of request by itself."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from api_requests import Ask, Client, kinds_of_requests
from api_servers import PROCESSES, REPOSITORY, run_web
from results_page import keep_section

RESULTS = REPOSITORY / "bench" / "results" / "api.md"
GOAL_MS = 100
_WARMING = 8


@dataclass
class Measured:
    """What the clients waited for one kind of request."""

    kind: str
    milliseconds: list[float]
    note: str = ""

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[-1]


def measure(options: argparse.Namespace) -> None:
    """Ask the web process and keep what was waited."""
    from django.db import connections

    from earmark.search.models import SearchDocument

    tokens = _make_tokens(options.clients)
    files = SearchDocument.objects.count()
    if not options.sqlite:
        _warm()
        os.environ["EARMARK_DATABASE_URL"] += f"?pool={options.clients}"
    connections.close_all()
    with run_web(options.folder) as port:
        measured = [
            _measure_kind(port, tokens, name, make_asks(Client(port, tokens[0])))
            for name, make_asks in kinds_of_requests(options.requests, files).items()
            if options.only in name
        ]
    if not options.only and options.requests >= 100:
        database = "SQLite" if options.sqlite else "PostgreSQL"
        keep_section(
            RESULTS,
            head="What people wait for the API",
            title=f"{database}, {files:,} files",
            lines=_page(measured, options),
        )


def _measure_kind(port: int, tokens: Sequence[str], name: str, asks: list[Ask]) -> Measured:
    if not asks:
        return Measured(name, [], "left out: no search finds so many files")
    status, body = Client(port, tokens[0]).send(asks[0])
    if status != 200:
        return Measured(name, [], f"left out: {status} {body[:80]}")
    found = Measured(name, ask_all(port, tokens, asks))
    sys.stderr.write(f"{name}: p50 {found.p50:.0f} ms, p95 {found.p95:.0f} ms\n")
    return found


def ask_all(port: int, tokens: Sequence[str], asks: list[Ask]) -> list[float]:
    """Ask everything with one client for each token, all at once; returns milliseconds."""
    waited: list[float] = []
    failed: list[str] = []
    left = iter(asks)
    lock = threading.Lock()

    def work(token: str) -> None:
        client = Client(port, token)
        for ask in asks[:_WARMING]:
            client.send(ask)  # the connection, and what a process loads once
        while True:
            with lock:
                ask = next(left, None)
            if ask is None:
                return
            began = time.perf_counter()
            status, body = client.send(ask)
            waited.append(1000 * (time.perf_counter() - began))
            if status != 200:
                failed.append(f"{status} {ask.url} {body[:200]}")

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit("\n".join(failed[:5]))
    return waited


def _warm() -> None:
    """Have the system hold the tables in memory, as it does after some hours of use."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        cursor.execute(
            "SELECT sum(pg_prewarm(oid, 'read')) FROM pg_class WHERE relkind IN ('r', 'i', 't') "
            "AND relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)"
        )


def _make_tokens(number: int) -> list[str]:
    """Return a token each for so many superusers: reviewers hold items under their names."""
    from django.contrib.auth.models import User

    from earmark.accounts.scopes import Scope
    from earmark.accounts.services import create_token

    tokens = []
    for name in (f"bench-{n}" for n in range(number)):
        user = User.objects.filter(username=name).first() or User.objects.create_superuser(name)
        tokens.append(create_token(user=user, name="bench", scopes=tuple(Scope))[1])
    return tokens


def _page(measured: list[Measured], options: argparse.Namespace) -> list[str]:
    head = [
        f"{options.clients} clients at once, {options.requests} requests of each kind, "
        f"{PROCESSES} web processes; clients, web and database share the machine. The system holds "
        "the files of the database in memory, as after some hours of use.",
        "",
        f"| request | p50 ms | p95 ms | goal {GOAL_MS} ms |",
        "|---|---:|---:|---|",
    ]
    rows = [
        f"| {one.kind} | {one.p50:.1f} | {one.p95:.1f} | {'yes' if one.p95 < GOAL_MS else 'no'} |"
        if one.milliseconds
        else f"| {one.kind} | | | {one.note} |"
        for one in measured
    ]
    return head + rows
