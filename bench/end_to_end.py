"""How fast is `earmark tag` against the sum of its bare stages?

    python bench/end_to_end.py [--files 100] [--seed 0] [--keep FOLDER]

Makes WAVs of 44.1 and 48 kHz (mono and stereo, 16 and 24 bit, 1 s to 4 min), tags them with
``earmark tag --workers 1`` in a fresh data folder, tags written, and counts the processor seconds
of the whole process tree, start-up included. Then runs decode, resample, front end and network
over the same files, one thread, nothing else. The table goes to the terminal and to
``bench/results/end_to_end.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from installation import EARMARK, has_wordnet, make_installation
from machine import describe_machine
from process_tree import TreeUse, run_measured

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results" / "end_to_end.md"
WANTED_SPEED = 250.0
WANTED_RATIO = 0.7


@dataclass
class Stages:
    """Processor seconds of the bare stages."""

    audio_s: float = 0.0
    cpu_s: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("decode", "resample", "front end", "network"), 0.0)
    )

    @property
    def total(self) -> float:
        """Sum of the stages."""
        return sum(self.cpu_s.values())


def make_library(folder: Path, files: int, seed: int) -> float:
    """Write `files` WAVs and return their length in seconds; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for number in range(files):
        rate = (44100, 48000)[number % 2]
        channels = (1, 2)[number // 2 % 2]
        subtype = ("PCM_16", "PCM_24")[number // 4 % 2]
        frames = round(rate * float(np.exp(rng.uniform(np.log(1.0), np.log(240.0)))))
        t = np.arange(frames, dtype=np.float32) / rate
        tone = np.sin(2 * np.pi * rng.uniform(80, 4000) * t) * np.exp(-(t % 1.7))
        noise = rng.standard_normal(frames, dtype=np.float32) * 0.05
        sound = (0.4 * tone + noise).astype(np.float32)
        stereo = np.repeat(sound[:, None], channels, axis=1)
        soundfile.write(folder / f"Track {number:03}.wav", stereo, rate, subtype=subtype)
        total += frames / rate
    return total


def tag(folder: Path, data: Path, output: Path) -> TreeUse:
    """Tag the library as a user would; the database exists, as after ``make setup``."""
    environment = make_installation(data)
    return run_measured(
        [*EARMARK, "tag", "--json", "--workers", "1", str(folder)], environment, output
    )


def stages_of(library: Path) -> Stages:
    """Measure the bare stages in a process that runs under what a worker runs under."""
    from earmark_workers.engine.environment import ENVIRONMENT

    done = subprocess.run(
        [sys.executable, __file__, "--stages", str(library)],
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Stages(**json.loads(done.stdout))


def measure_stages(paths: list[Path]) -> Stages:
    """Run the bare stages over the same files, in one thread, windows of many files per batch."""
    import soxr

    from earmark_classifiers.audioset.classifier import GRAPH, ROWS, manifest
    from earmark_classifiers.audioset.listening import make_front_end
    from earmark_classifiers.onnx_backend import INPUT, OUTPUTS, open_session
    from earmark_files.decoding.choice import open_reader
    from earmark_files.decoding.source import Source
    from earmark_plugin_api import WindowCutter

    hears = manifest()
    front_end, network = make_front_end(), open_session(GRAPH)
    stages = Stages()

    def windows() -> Iterator[np.ndarray]:
        for path in paths:
            cutter = WindowCutter(hears.window, hears.sample_rate)
            reader = open_reader(Source(path))
            rate = reader.info.sample_rate
            resampler = soxr.ResampleStream(rate, hears.sample_rate, 1, quality="HQ")
            more = True
            while more:
                with _timed(stages, "decode"):
                    samples = reader.read()
                more = samples is not None
                with _timed(stages, "resample"):
                    audio = resampler.resample_chunk(
                        samples if more else np.empty(0, np.float32), last=not more
                    )
                stages.audio_s += len(samples) / rate if more else 0.0
                yield from (window.samples for window in cutter.push(audio))
            yield from (window.samples for window in cutter.finish())
            reader.close()

    def score(batch: list[np.ndarray]) -> None:
        samples = np.stack(batch)
        with _timed(stages, "front end"):
            logmels = front_end(samples)
        with _timed(stages, "network"):
            network.run(OUTPUTS, {INPUT: logmels})

    score([np.zeros(hears.window.samples(hears.sample_rate), np.float32)] * ROWS)
    stages.cpu_s = dict.fromkeys(stages.cpu_s, 0.0)  # the first call is slower: not counted
    batch: list[np.ndarray] = []
    for window in windows():
        batch.append(window)
        if len(batch) == ROWS:
            score(batch)
            batch = []
    if batch:
        score(batch)
    return stages


class _timed:  # noqa: N801 - reads like a function
    def __init__(self, stages: Stages, name: str) -> None:
        self._stages, self._name = stages, name

    def __enter__(self) -> None:
        self._begun = time.process_time()

    def __exit__(self, *_: object) -> None:
        self._stages.cpu_s[self._name] += time.process_time() - self._begun


def report(use: TreeUse, stages: Stages, files: int, size: int) -> str:
    """Return the table and the verdict as Markdown."""
    audio = stages.audio_s
    rows = [f"| {n} | {s:.2f} | {audio / s:,.0f} |" for n, s in stages.cpu_s.items()]
    speed, ratio = audio / use.cpu_s, stages.total / use.cpu_s
    return "\n".join(
        (
            "# End to end: `earmark tag --workers 1` against its bare stages",
            "",
            describe_machine(),
            f"- input: {files} WAVs of 44.1/48 kHz, {audio / 60:.1f} min of audio, "
            f"{size / 2**20:.0f} MiB; tags written, start-up included, "
            f"{'with' if has_wordnet() else 'without'} WordNet",
            "",
            "| what | CPU seconds | x real time per core-second |",
            "|---|---:|---:|",
            *rows,
            f"| sum of bare stages | {stages.total:.2f} | {audio / stages.total:,.0f} |",
            f"| end to end, whole process tree | {use.cpu_s:.2f} | {speed:,.0f} |",
            "",
            f"- end to end / bare stages: **{ratio:.2f}** (wanted: {WANTED_RATIO})",
            f"- end to end: **{speed:.0f} x real time** per CPU core-second "
            f"(wanted: {WANTED_SPEED:.0f})",
            f"- wall clock: {use.wall_s:.1f} s, {audio / use.wall_s:,.0f} x real time",
            f"- peak memory of the tree: {use.peak_rss_mb:.0f} MiB resident summed, "
            f"{use.peak_pss_mb:.0f} MiB with shared pages counted once",
            *(
                f"  - {name}: {peak:.0f} MiB, {use.busiest[name]:.1f} CPU seconds"
                for name, peak in sorted(use.largest.items())
            ),
            "",
        )
    )


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder to work in and leave behind")
    parser.add_argument("--stages", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stages:
        print(json.dumps(asdict(measure_stages(sorted(options.stages.iterdir())))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = options.keep or Path(scratch)
        library = place / "library"
        library.mkdir(parents=True)
        make_library(library, options.files, options.seed)
        paths = sorted(library.iterdir())
        size = sum(path.stat().st_size for path in paths)
        output = place / "out.jsonl"
        use = tag(library, place / "data", output)
        if use.status or len(output.read_text().splitlines()) != options.files:
            raise SystemExit(f"tagging ended with status {use.status}; nothing was measured")
        text = report(use, stages_of(library), options.files, size)
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)


if __name__ == "__main__":
    main()
