"""What does the platform cost around a classifier: Celery, database, tags, writes?

    python bench/pipeline.py [--files 200] [--workers 1 2] [--overhead 1000 10000 100000]

End to end: WAVs of 1 s to 1 min through Celery workers on Redis and PostgreSQL, to the last tag in
the last file, against the same classifier in a bare loop over the same files (decode, resample,
windows, predict, pool; as many processes), in the same run. Overhead: short clips through a
classifier that costs next to nothing. The tables go to the terminal and to
``bench/results/pipeline.md``. PostgreSQL is started if no test server is named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from celery_site import (
    measured_site,
    memory_of,
    require_postgres,
    submit,
    wait_for_workers,
    wait_until_done,
)
from machine import describe_machine

RESULTS = Path(__file__).parent / "results" / "pipeline.md"
WANTED_RATIO = 0.85
CLIP_RATE = 8000
BATCH_WINDOWS = 8
"""As `earmark_workers.pipeline.hosting` has it for processors."""


def make_sounds(folder: Path, files: int, seed: int, longest: float = 60.0) -> float:
    """Write WAVs of one second and more; return their length in seconds."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    total = 0.0
    for number in range(files):
        rate = (44100, 48000)[number % 2]
        frames = round(rate * float(np.exp(rng.uniform(0.0, np.log(longest)))))
        t = np.arange(frames, dtype=np.float32) / rate
        sound = 0.4 * np.sin(2 * np.pi * rng.uniform(80, 4000) * t)
        sound += 0.05 * rng.standard_normal(frames, dtype=np.float32)
        soundfile.write(folder / f"{number:06}.wav", sound.astype(np.float32), rate)
        total += frames / rate
    return total


def make_clips(folder: Path, files: int) -> None:
    """Write clips of a twentieth of a second, no two alike, a thousand in each folder."""
    rng = np.random.default_rng(files)
    for number in range(files):
        place = folder / f"{number // 1000:04}"
        place.mkdir(parents=True, exist_ok=True)
        noise = rng.uniform(-0.5, 0.5, CLIP_RATE // 20)
        soundfile.write(place / f"{number:06}.wav", noise, CLIP_RATE)


def run_bare(folder: Path, processes: int) -> float:
    """Return the seconds that bare loops need for the files; loading is not counted."""
    from earmark_workers.engine.environment import ENVIRONMENT

    paths = sorted(folder.glob("*.wav"), key=lambda path: -path.stat().st_size)
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--bare", *map(str, paths[number::processes])],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    begun = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    for process in started:
        if process.wait():
            raise SystemExit("the bare loop failed; see above")
    return time.perf_counter() - begun


def loop(paths: list[Path]) -> None:
    """The bare loop: load, say so, wait for the word, do all files."""
    import soxr

    from earmark_classifiers.audioset import AudioSetClassifier
    from earmark_files.decoding.choice import open_reader
    from earmark_files.decoding.source import Source
    from earmark_plugin_api import WindowCutter

    classifier = AudioSetClassifier()
    classifier.load()
    manifest = classifier.manifest

    def windows(path: Path) -> Iterator[np.ndarray]:
        cutter = WindowCutter(manifest.window, manifest.sample_rate)
        reader = open_reader(Source(path))
        resampler = soxr.ResampleStream(
            reader.info.sample_rate, manifest.sample_rate, 1, quality="HQ"
        )
        while (samples := reader.read()) is not None:
            audio = resampler.resample_chunk(samples)
            yield from (window.samples for window in cutter.push(audio))
        audio = resampler.resample_chunk(np.empty(0, np.float32), last=True)
        yield from (window.samples for window in cutter.push(audio))
        yield from (window.samples for window in cutter.finish())
        reader.close()

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    batch: list[np.ndarray] = []
    owners: list[Path] = []
    scores: dict[Path, list[np.ndarray]] = {}

    def flush() -> None:
        found = classifier.predict(np.stack(batch)).scores
        for owner, row in zip(owners, found, strict=True):
            scores.setdefault(owner, []).append(row)
        batch.clear()
        owners.clear()

    for path in paths:
        for window in windows(path):
            batch.append(window)
            owners.append(path)
            if len(batch) == BATCH_WINDOWS:
                flush()
    if batch:
        flush()
    for rows in scores.values():
        classifier.pool(np.stack(rows))


def end_to_end(files: int, workers: list[int]) -> list[str]:
    """Measure the platform and the bare loop over the same files; return the rows of the table."""
    rows = [
        "| workers | files/s | x real time | bare x real time | ratio |",
        "|---|---|---|---|---|",
    ]
    for number in workers:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "sounds"
            seconds = make_sounds(folder, files, seed=number)
            make_sounds(Path(made) / "warm", 2 * number, seed=1000 + number, longest=2.0)
            bare = run_bare(folder, number)
            with measured_site(EARMARK_CLASSIFIER="audioset") as place:
                place.start_clock()
                place.start_worker("scan", "write")
                for _ in range(number):
                    place.start_worker("classify.cpu")
                wait_for_workers(place, number + 1)
                submit(place, Path(made) / "warm", "audioset")
                wait_until_done(place)
                submit(place, folder, "audioset")
                took = wait_until_done(place)
        rows.append(
            f"| {number} | {files / took:.1f} | {seconds / took:.0f} | {seconds / bare:.0f} "
            f"| {bare / took:.2f} |"
        )
    rows.append(f"\nWanted: a ratio of {WANTED_RATIO} or more.")
    return rows


def overhead(sizes: list[int]) -> list[str]:
    """Measure short clips through a classifier that costs next to nothing."""
    rows = [
        "| clips | enqueued/s | recorded/s | ms per file | MiB of the worker |",
        "|---|---|---|---|---|",
    ]
    for size in sizes:
        with tempfile.TemporaryDirectory() as made, measured_site() as place:
            folder = Path(made) / "clips"
            make_clips(folder, size)
            _, submitting = submit(place, folder, "bands", write=False)
            place.start_clock()
            worker = place.start_worker("classify.cpu")
            place.start_worker("scan", "write")
            while not place.states().get("succeeded"):
                time.sleep(0.1)
            begun, before = time.perf_counter(), place.states()["succeeded"]
            wait_until_done(place)
            took = time.perf_counter() - begun
            done = size - before
            memory = memory_of(worker.pid)
        rate = done / took if done else float("nan")
        rows.append(
            f"| {size:,} | {size / submitting:,.0f} | {rate:,.0f} | {1000 / rate:.2f} "
            f"| {memory:.0f} |"
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--overhead", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--bare", type=Path, nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare is not None:
        loop(options.bare)
        return
    require_postgres()
    parts = [
        f"# The platform around a classifier\n\n{describe_machine()}",
        "## End to end\n\n" + "\n".join(end_to_end(options.files, options.workers)),
        "## Overhead\n\n" + "\n".join(overhead(options.overhead)),
    ]
    page = "\n\n".join(parts) + "\n"
    RESULTS.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
