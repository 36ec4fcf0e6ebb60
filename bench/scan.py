"""How long does a scan of a million files take, and one where nothing has changed?

    python bench/scan.py [--files 1000000] [--folder 1000] [--postgres] [--profile]

Makes a sparse tree (empty files; ``--tree`` keeps it for the next time), runs ``find -printf``
over it, then a first scan and two more in processes of their own. Printed are seconds, files a
second, the ratio to ``find`` in the same run and the peak memory of each; kept in
``bench/results/scan.md``. With ``--postgres`` on PostgreSQL, which is started if no test server is
named; else on SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from celery_site import private_database, require_postgres
from results_page import keep_section

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results" / "scan.md"
STEPS = ("first scan", "unchanged rescan", "unchanged rescan, once more")
_FIND_RUNS = 3


def make_tree(root: Path, files: int, each: int) -> None:
    """Make so many empty files, `each` in one folder; what is there already stays."""
    for start in range(0, files, each):
        folder = root / f"{start // each // 100:03}" / f"Ambience {start // each:06}"
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        for number in range(start, min(start + each, files)):
            os.close(os.open(folder / f"Rain on Roof {number:07}.wav", os.O_CREAT | os.O_WRONLY))


def run_find(root: Path) -> float:
    """Return the seconds of the fastest of a few runs: the tree is in the cache for all."""
    command = ["find", str(root), "-type", "f", "-printf", "%p\\t%s\\t%T@\\n"]
    seconds = []
    for _ in range(_FIND_RUNS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def scan(root: Path, *, profile: bool) -> None:
    """Scan once, in this process, and print what it took as JSON."""
    import django

    django.setup()
    from earmark.library.models import Library
    from earmark.library.services import register_library, request_scan, run_next_scan

    library = Library.objects.first() or register_library(root=root, trusted=True)
    request_scan(library=library)
    began = time.perf_counter()
    if profile:
        import cProfile

        with cProfile.Profile() as profiler:
            done = run_next_scan(worker="bench")
        profiler.dump_stats(f"{os.environ['EARMARK_DATA_DIR']}/profile")
        _show(Path(os.environ["EARMARK_DATA_DIR"]) / "profile")
    else:
        done = run_next_scan(worker="bench")
    assert done is not None and done.state == "succeeded", done and done.error_message
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - began
    told = {"seconds": seconds, "memory": memory, "found": done.found, "added": done.added}
    print(json.dumps({**told, "unchanged": done.unchanged}))


def _show(stats: Path) -> None:
    import pstats

    pstats.Stats(str(stats), stream=sys.stderr).sort_stats("tottime").print_stats(25)


def measure(root: Path, files: int, *, profile: bool) -> list[str]:
    """Run every step and return the rows of the table."""
    find = run_find(root)
    rows = [f"| `find -printf`, files in the cache | {find:.1f} | {files / find:,.0f} | 1 | |"]
    print(rows[0])
    for number, step in enumerate(STEPS):
        command = [sys.executable, __file__, "--scan", str(root), *["--profile"] * profile]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["found"] == told["added" if number == 0 else "unchanged"] == files, told
        seconds = told["seconds"]
        rate, ratio = files / seconds, seconds / find
        row = f"| {step} | {seconds:.1f} | {rate:,.0f} | {ratio:.1f} | {told['memory']:.0f} |"
        print(row)
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--folder", type=int, default=1000, help="files in one folder")
    parser.add_argument("--tree", type=Path, help="where to make the tree, and leave it")
    parser.add_argument("--postgres", action="store_true", help="default: SQLite")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scan:
        scan(options.scan, profile=options.profile)
        return
    if options.postgres:
        require_postgres()
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        root = options.tree or Path(scratch) / "tree"
        make_tree(root, options.files, options.folder)
        os.environ["EARMARK_DATA_DIR"] = scratch
        os.environ["DJANGO_SETTINGS_MODULE"] = "earmark.settings.single"
        os.environ["EARMARK_SETTLE_SECONDS"] = "0"
        if options.postgres:
            os.environ["EARMARK_DATABASE_URL"] = stack.enter_context(private_database())
        manage = [sys.executable, str(REPOSITORY / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(manage, check=True)
        rows = measure(root, options.files, profile=options.profile)
    if not options.profile:
        heading = "| step | seconds | files/s | times `find` | peak memory, MiB |"
        database = "PostgreSQL" if options.postgres else "SQLite"
        keep_section(
            RESULTS,
            head="Scans",
            title=f"{database}, {options.files:,} files",
            lines=[heading, "|---|---:|---:|---:|---:|", *rows],
        )


if __name__ == "__main__":
    main()
