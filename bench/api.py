"""How long do people wait for the API over a million files with five million tags?

    python bench/api.py make --files 1000000 --folder DIR [--sqlite]
    python bench/api.py index --folder DIR [--sqlite] [--minutes 7]   until all is done
    python bench/api.py measure --folder DIR [--sqlite] [--requests 400] [--clients 8]

The pieces keep their state in DIR, on a PostgreSQL of their own (started and stopped each time, as
it comes but for 1 GB of shared buffers) or on SQLite. `measure` starts the web process as people
run it (uvicorn, two processes) and asks with some clients at once, each with a token and a
connection that it keeps: p50 and p95 of what they wait, kept in ``bench/results/api.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path += [str(REPOSITORY), str(REPOSITORY / "platform")]

from results_page import keep_section  # noqa: E402

from tests.servers import free_port  # noqa: E402

RESULTS = REPOSITORY / "bench" / "results" / "api.md"
PROCESSES = 2
GOAL_MS = 100
_DEEP_PAGES = 20


def main() -> None:
    options = _read_arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    with _database(options.folder, sqlite=options.sqlite) as url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "earmark.settings.single",
            "EARMARK_DATA_DIR": str(options.folder / "data"),
            "EARMARK_DATABASE_URL": url,
            "EARMARK_API_REQUESTS_PER_MINUTE": "0",
        }
        import django

        django.setup()
        {"make": make, "index": index, "measure": measure}[options.piece](options)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("piece", choices=["make", "index", "measure"])
    parser.add_argument("--folder", type=Path, required=True, help="where everything is kept")
    parser.add_argument("--sqlite", action="store_true", help="instead of PostgreSQL")
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--requests", type=int, default=400, help="of each kind")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--only", default="", help="kinds of requests whose name has this in it")
    return parser.parse_args()


def make(options: argparse.Namespace) -> None:
    """Fill the database and note every file as changed."""
    from api_library import make_library
    from django.core.management import call_command
    from django.db import connection, transaction

    from earmark.core.change_log import install_change_logs
    from earmark.search.change_log import EMBEDDINGS, FILES

    began = time.perf_counter()
    call_command("migrate", verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        # What the triggers would note one by one is noted at the end for all.
        if options.sqlite:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("DROP INDEX search_document_vector_idx")  # made again by `index`
        make_library(options.files)
        if options.sqlite:
            install_change_logs()
        else:
            FILES.mark_everything()
            EMBEDDINGS.mark_everything()
            for table in ("library_audiofile", "tagging_tag", "tagging_tagset"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
    _say(f"{options.files:,} files made in {time.perf_counter() - began:.0f} s")


def index(options: argparse.Namespace) -> None:
    """Index what was noted, for some minutes; at the end make the index of words and statistics."""
    from django.db import connection

    from earmark.classifiers.models import ClassifierVersion
    from earmark.search.services import index_changes
    from earmark.search.taking_up import open_matrix, take_up

    began = time.perf_counter()
    done = index_changes(seconds=60 * options.minutes)
    seconds = time.perf_counter() - began
    _say(f"{done.files:,} files indexed in {seconds:.0f} s, {done.files / seconds:,.0f} a second")
    if not done.finished:
        _say("not all is done: run this once more")
        return
    with connection.cursor() as cursor:
        if not options.sqlite:
            cursor.execute(
                "CREATE INDEX IF NOT EXISTS search_document_vector_idx "
                "ON search_searchdocument USING gin (vector) WITH (fastupdate = off) "
                "WHERE state IN ('present', 'failed')"
            )
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("INSERT INTO search_text (search_text) VALUES ('optimize')")
            cursor.execute("ANALYZE")
    classifier = ClassifierVersion.objects.get(name="audioset", version="bench")
    take_up(classifier, open_matrix(classifier))
    _say(f"all is done ({time.perf_counter() - began:.0f} s)")


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

    token = _make_token()
    files = SearchDocument.objects.count()
    kinds = _kinds(options.requests, files)
    connections.close_all()
    if not options.sqlite:
        os.environ["EARMARK_DATABASE_URL"] += f"?pool={options.clients}"
    with _web(options.folder) as port:
        measured = []
        for name, make_urls in kinds.items():
            if options.only not in name:
                continue
            ask = _Asker(port, token)  # the server hangs up on those who say nothing for long
            urls = make_urls(ask)
            if not urls:
                measured.append(Measured(name, [], "left out: no search finds so many files"))
                continue
            status, body = ask.get(urls[0])
            if status != 200:
                measured.append(Measured(name, [], f"left out: {status} {body[:80]}"))
                continue
            measured.append(Measured(name, _ask_all(port, token, urls, options.clients)))
            _say(f"{name}: p50 {measured[-1].p50:.0f} ms, p95 {measured[-1].p95:.0f} ms")
    database = "SQLite" if options.sqlite else "PostgreSQL"
    if not options.only and options.requests >= 100:
        keep_section(
            RESULTS,
            head="What people wait for the API",
            title=f"{database}, {files:,} files",
            lines=_page(measured, options),
        )


def _page(measured: list[Measured], options: argparse.Namespace) -> list[str]:
    head = [
        f"{options.clients} clients at once, {options.requests} requests of each kind, "
        f"{PROCESSES} web processes; clients, web and database share the machine.",
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


def _kinds(number: int, files: int) -> dict[str, Callable[[_Asker], list[str]]]:
    """Return what makes the addresses of each kind of request."""
    from api_library import Sounds, questions

    sounds = Sounds()
    sounds.random = random.Random(11)
    asked = list(questions(sounds, number))
    numbers = [sounds.random.randrange(files) + 1 for _ in range(number)]
    heard = [(n - 1) // 10 * 10 + 1 for n in numbers]
    tags = [sounds.kinds[sounds.draw(1)[0]].tag for _ in range(number)]

    def search(**query: str) -> str:
        return f"/api/v1/search?{urlencode(query)}"

    def deep(ask: _Asker) -> list[str]:
        """Return pages some thousands of files deep in searches for frequent words."""
        found = []
        for word, _ in asked[: number // 20]:
            cursor = ask.walk(word, _DEEP_PAGES)
            found += [search(q=word, cursor=cursor)] * 20 if cursor else []
        return (found * number)[:number]

    return {
        "search, 1 word": lambda _: [search(q=word) for word, _ in asked],
        "search, 3 words": lambda _: [search(q=words) for _, words in asked],
        "search, 1 word, deep cursor": deep,
        "search, 1 word, by name": lambda _: [search(q=word, sort="name") for word, _ in asked],
        "search, facets": lambda _: [
            search(q=word, facets="libraries,tags,categories,containers") for word, _ in asked
        ],
        "search, tag from 0.8": lambda _: [search(tag=f"{tag}:0.8") for tag in tags],
        "search, tag, surest first": lambda _: [
            search(tag=tag, sort="-confidence") for tag in tags
        ],
        "search, no words": lambda _: [search(folder=f"Pack {n // 2000:04}") for n in numbers],
        "autocomplete": lambda _: [
            f"/api/v1/search/suggest?{urlencode({'q': word[: 2 + n % 3]})}"
            for n, (word, _) in enumerate(asked)
        ],
        "tags with counts": lambda _: [
            f"/api/v1/tags?{urlencode({'prefix': tag[:1]})}" for tag in tags
        ],
        "file detail": lambda _: [f"/api/v1/files/{n}" for n in numbers],
        "similar": lambda _: [f"/api/v1/files/{n}/similar" for n in heard],
        "review, next": lambda _: ["/api/v1/review/items?page_size=1"] * number,
    }


class _Asker:
    """One client with a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, url: str) -> tuple[int, str]:
        self._connection.request("GET", url, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def walk(self, words: str, pages: int) -> str:
        """Return the cursor behind so many large pages; empty if there are fewer."""
        cursor = ""
        for _ in range(pages):
            query = {"q": words, "page_size": "500", "fields": "id"}
            status, body = self.get(
                f"/api/v1/search?{urlencode(query | ({'cursor': cursor} if cursor else {}))}"
            )
            cursor = json.loads(body)["next"] if status == 200 else ""
            if not cursor:
                return ""
        return cursor


def _ask_all(port: int, token: str, urls: list[str], clients: int) -> list[float]:
    """Ask everything with some clients at once; returns milliseconds."""
    waited: list[float] = []
    failed: list[str] = []
    left = iter(urls)
    lock = threading.Lock()

    def work() -> None:
        asker = _Asker(port, token)
        asker.get(urls[0])  # the connection, and what a process loads once
        while True:
            with lock:
                url = next(left, None)
            if url is None:
                return
            began = time.perf_counter()
            status, body = asker.get(url)
            waited.append(1000 * (time.perf_counter() - began))
            if status != 200:
                failed.append(f"{status} {url} {body[:200]}")

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit("\n".join(failed[:5]))
    return waited


def _make_token() -> str:
    from django.contrib.auth.models import User

    from earmark.accounts.scopes import Scope
    from earmark.accounts.services import create_token

    user = User.objects.filter(username="bench").first()
    user = user or User.objects.create_superuser("bench")
    return create_token(user=user, name="bench", scopes=tuple(Scope))[1]


@contextlib.contextmanager
def _web(folder: Path) -> Iterator[int]:
    """Start the web process and wait until it answers."""
    port = free_port()
    arguments = ["--port", str(port), "--workers", str(PROCESSES), "--log-level", "warning"]
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "earmark.asgi:application", *arguments],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY / "platform")},
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    if _Asker(port, "").get("/healthz")[0] == 200:
                        break
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"The web process does not start: {folder / 'web.log'}")
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait(30)


@contextlib.contextmanager
def _database(folder: Path, *, sqlite: bool) -> Iterator[str]:
    """Yield the address of the database in a folder; PostgreSQL runs as long as this."""
    if sqlite:
        yield f"sqlite://{folder.resolve()}/api.sqlite3"
        return
    programs = _programs()
    data, port = folder.resolve() / "postgres", free_port()
    prefix: list[str] = []
    if os.geteuid() == 0:
        pwd.getpwnam("postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    if not data.exists():
        data.mkdir()
        if prefix:
            shutil.chown(data, user="postgres")
        _run(
            [
                *(*prefix, str(programs / "initdb"), "-D", str(data), "-U", "earmark"),
                *("-A", "trust", "--encoding=UTF8", "--locale=C"),
            ]
        )
    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-s", "-w"]
    settings = (
        f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c shared_buffers=1GB "
        "-c max_wal_size=8GB -c synchronous_commit=off"
    )
    _run([*control, "-l", str(data / "log"), "-o", settings, "start"])
    try:
        yield f"postgresql://earmark@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "fast", "stop"])


def _programs() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("Install PostgreSQL (apt-get install postgresql).")
    return found[-1].parent


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
