"""What does a file cost besides its classifier, in time and in memory, however many there are?

    python bench/overhead.py [--clips 1000 10000]

Clips of a twentieth of a second through one Celery worker on Redis and PostgreSQL, with a
classifier that costs next to nothing: what is left is scanning, claiming, decoding in a guarded
child, storing, tags. Each number of clips is a section of ``bench/results/overhead.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from celery_site import measured_site, memory_of, require_postgres, submit, wait_for_workers
from results_page import keep_section

from tests.celery_harness import Site

RESULTS = Path(__file__).parent / "results" / "overhead.md"
CLIP_RATE = 8000
MARKS = (1_000, 5_000, 10_000, 50_000, 100_000)
"""After so many clips the memory of the worker is looked at."""


def make_clips(folder: Path, files: int) -> None:
    """Write clips, no two alike, a thousand in each folder."""
    rng = np.random.default_rng(files)
    for number in range(files):
        place = folder / f"{number // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        noise = rng.uniform(-0.5, 0.5, CLIP_RATE // 20)
        soundfile.write(place / f"{number:06}.wav", noise, CLIP_RATE)


def follow(place: Site, worker: int, clips: int) -> tuple[float, int, dict[int, float]]:
    """Watch a run to its end.

    Returns
    -------
    tuple
        Seconds since the first results, clips done in that time, and MiB of the worker by the
        number of clips it had done.
    """
    marks = [mark for mark in MARKS if mark < clips]
    memory: dict[int, float] = {}
    begun = first = 0.0
    while not place.is_done():
        done = place.states().get("succeeded", 0)
        if done and not begun:
            begun, first = time.perf_counter(), done
        if marks and done >= marks[0]:
            memory[marks.pop(0)] = memory_of(worker)
        time.sleep(0.25)
    took = time.perf_counter() - begun
    done = place.states().get("succeeded", 0)
    assert done == clips, place.states()
    memory[clips] = memory_of(worker)
    return took, done - int(first), memory


def measure(clips: int) -> list[str]:
    """Send clips through the platform; return the table."""
    with tempfile.TemporaryDirectory() as made, measured_site() as place:
        folder = Path(made) / "clips"
        make_clips(folder, clips)
        scanning, submitting = submit(place, folder, "bands", write=False)
        place.start_clock()
        worker = place.start_worker("classify.cpu")
        place.start_worker("scan", "write")
        wait_for_workers(place, 2)
        took, done, memory = follow(place, worker.pid, clips)
    rows = [f"| MiB of the worker after {at:,} | {mib:.0f} |" for at, mib in memory.items()]
    return [
        "| | |",
        "|---|---:|",
        f"| scanned per second | {clips / scanning:,.0f} |",
        f"| enqueued per second | {clips / submitting:,.0f} |",
        f"| done per second | {done / took:,.0f} |",
        f"| ms per clip | {1000 * took / max(1, done):.2f} |",
        *rows,
    ]


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[1_000, 10_000])
    options = parser.parse_args()
    require_postgres()
    for clips in options.clips:
        keep_section(
            RESULTS,
            head="What a file costs besides its classifier",
            title=f"{clips:,} clips",
            lines=measure(clips),
        )


if __name__ == "__main__":
    main()
