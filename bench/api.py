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
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path += [str(REPOSITORY), str(REPOSITORY / "platform")]

from api_servers import run_database  # noqa: E402


def main() -> None:
    options = _read_arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    with run_database(options.folder, sqlite=options.sqlite) as url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "earmark.settings.single",
            "EARMARK_DATA_DIR": str(options.folder / "data"),
            "EARMARK_DATABASE_URL": url,
            "EARMARK_API_REQUESTS_PER_MINUTE": "0",
        }
        import django

        django.setup()
        from api_making import index, make
        from api_measuring import measure

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


if __name__ == "__main__":
    main()
