"""What does the platform cost around a classifier: Celery, database, tags, writes?

    python bench/pipeline.py [--workers 1 2] [--files 200]

WAVs of 1 s to 1 min through Celery workers on Redis and PostgreSQL, to the last tag in the last
file, against the same classifier in a bare loop over the same files (decode, resample, windows,
predict, pool; as many processes), in the same run. Each number of workers is a section of
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
from celery_site import measured_site, require_postgres, submit, wait_for_workers, wait_until_done
from results_page import keep_section

RESULTS = Path(__file__).parent / "results" / "pipeline.md"
WANTED_RATIO = 0.85
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


def measure(files: int, workers: int) -> list[str]:
    """Measure the bare loop and the platform over the same files; return the table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "sounds"
        seconds = make_sounds(folder, files, seed=workers)
        make_sounds(Path(made) / "warm", 2 * workers, seed=1000 + workers, longest=2.0)
        bare = run_bare(folder, workers)
        with measured_site(EARMARK_CLASSIFIER="audioset") as place:
            place.start_clock()
            place.start_worker("scan", "write")
            for _ in range(workers):
                place.start_worker("classify.cpu")
            wait_for_workers(place, workers + 1)
            submit(place, Path(made) / "warm", "audioset")
            wait_until_done(place)
            submit(place, folder, "audioset")
            took = wait_until_done(place)
            done = place.states().get("succeeded", 0)
    assert done == files + 2 * workers, "not every file was classified"
    return [
        f"- {files} files, {seconds / 60:.0f} min of sound, tags written into each",
        "",
        "| | seconds | files/s | x real time |",
        "|---|---:|---:|---:|",
        f"| bare loop | {bare:.1f} | {files / bare:.1f} | {seconds / bare:.0f} |",
        f"| platform | {took:.1f} | {files / took:.1f} | {seconds / took:.0f} |",
        "",
        f"- ratio: **{bare / took:.2f}** (wanted: {WANTED_RATIO})",
    ]


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--bare", type=Path, nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare is not None:
        loop(options.bare)
        return
    require_postgres()
    for workers in options.workers:
        keep_section(
            RESULTS,
            head="The platform around a classifier, against the classifier in a bare loop",
            title=f"{workers} worker{'s' * (workers != 1)}",
            lines=measure(options.files, workers),
        )


if __name__ == "__main__":
    main()
