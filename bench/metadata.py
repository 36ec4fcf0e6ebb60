"""What does it cost to write tags safely, next to a plain copy of the same files?

    python bench/metadata.py [--files 1000] [--gigabytes 3] [--rounds 3] [--folder DIR]

Two libraries, many small WAV files and one huge one, are tagged and, in turns on fresh files of the
same run, copied and replaced the plain way:

- `cp`: a copy by the system (`cp` for the huge file; `shutil.copy2` for small ones, where starting
  a program for each would be most of the time), then `os.replace`;
- `cp + sync`: the same, but file and folder are on the disk before the next one, as ours are: a
  copy that is only in memory is lost with the power, and the old file with it;
- `tag`: as the `tag` command writes, with 4 threads, and with the audio hash it has anyway;
- one thread, with that hash and without; and in place (`Policy.in_place_from`).

Every file gets other tags. Kept is the median of the rounds, in ``bench/results/metadata.md``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import describe_machine

from earmark_files.identity import audio_identity
from earmark_files.metadata import Policy, TagSet, apply, plan_write

RESULTS = Path(__file__).parent / "results" / "metadata.md"
THREADS = 4
WANTED = 1.3
WORDS = ("dog", "bark", "howl", "kennel", "animal", "growl", "puppy", "whine", "pant", "collar")

Work = Callable[[list[Path], dict[Path, str]], None]


def tags_of(number: int) -> TagSet:
    """Return tags as a run writes them, different for every file."""
    words = [WORDS[(number + step) % len(WORDS)] for step in range(4)]
    return TagSet(
        keywords=(*words, f"take {number}"),
        category="ANIMALS",
        subcategory="DOG",
        catid="ANMLDog",
        description=f"{', '.join(words).capitalize()}, take {number}",
        authors=("audioset@1.0.0",),
    )


def make_wav(path: Path, audio_bytes: int) -> None:
    """Write a 48 kHz, 16-bit stereo file of random audio."""
    fmt = struct.pack("<HHIIHH", 1, 2, 48000, 192000, 4, 16)
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        size = audio_bytes - audio_bytes % 4
        file.write(b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16))
        file.write(fmt + b"data" + struct.pack("<I", size))
        for start in range(0, size, len(block)):
            file.write(block[: min(len(block), size - start)])


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(path: Path, *, durable: bool, program: bool) -> None:
    """Copy a file and put the copy in its place."""
    copy = path.with_suffix(".copy")
    if program:
        subprocess.run(["cp", "--preserve=all", str(path), str(copy)], check=True)
    else:
        shutil.copy2(path, copy)
    if durable:
        sync(copy)
    copy.replace(path)
    if durable:
        sync(path.parent)


def ours(path: Path, audio_hash: str | None, policy: Policy) -> None:
    """Tag a file."""
    apply(plan_write(path, tags_of(int(path.stem)), policy, audio_hash=audio_hash))


def in_threads(work: Callable[[Path], None], paths: list[Path]) -> None:
    """Do it for every file with as many threads as `tag` writes with."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, paths):
            pass


def ways(*, program: bool) -> dict[str, Work]:
    """Return what is timed, by name."""

    def each(work: Callable[[Path, str], None]) -> Work:
        def run(paths: list[Path], hashes: dict[Path, str]) -> None:
            for path in paths:
                work(path, hashes[path])

        return run

    def spread(work: Callable[[Path, str], None]) -> Work:
        return lambda paths, hashes: in_threads(lambda p: work(p, hashes[p]), paths)

    def copy(path: Path, _: str) -> None:
        plain(path, durable=True, program=program)

    everything: dict[str, Work] = {
        "cp": each(lambda p, _: plain(p, durable=False, program=program)),
        "cp + sync": each(copy),
        f"cp + sync, {THREADS} threads": spread(copy),
        f"tag: {THREADS} threads": spread(lambda p, h: ours(p, h, Policy())),
        "one thread": each(lambda p, h: ours(p, h, Policy())),
        "one thread, audio hashed for the plan": each(lambda p, _: ours(p, None, Policy())),
        "in place, one thread": each(lambda p, h: ours(p, h, Policy(in_place_from=0))),
    }
    if program:
        # One file: more threads find nothing to do.
        return {name: way for name, way in everything.items() if f"{THREADS} threads" not in name}
    return everything


def measure(folder: Path, sizes: list[int], rounds: int, *, program: bool) -> dict[str, float]:
    """Time each way on fresh files, in turns; returns the median of the seconds by name."""
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in ways(program=program).items():
            paths = [folder / f"{index}.wav" for index in range(len(sizes))]
            for path, size in zip(paths, sizes, strict=True):
                make_wav(path, size)
            hashes = {path: audio_identity(path).hash for path in paths}
            os.sync()
            started = time.perf_counter()
            way(paths, hashes)
            seconds.setdefault(name, []).append(time.perf_counter() - started)
            for path in paths:
                path.unlink()
    return {name: statistics.median(times) for name, times in seconds.items()}


def table(title: str, seconds: dict[str, float], files: int) -> list[str]:
    """Return a Markdown table of one library."""
    lines = [
        f"## {title}",
        "",
        "| what | seconds | files/s | x cp + sync | x cp |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, time_ in seconds.items():
        ratios = f"{time_ / seconds['cp + sync']:.2f} | {time_ / seconds['cp']:.2f}"
        lines.append(f"| {name} | {time_:.2f} | {files / time_:.1f} | {ratios} |")
    return [*lines, ""]


def main() -> None:
    """Measure, print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=500, help="audio of a small file")
    parser.add_argument("--gigabytes", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the volume to measure")
    options = parser.parse_args()
    machine = describe_machine()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        sizes = [options.kilobytes << 10] * options.files
        small = measure(Path(name), sizes, options.rounds, program=False)
        sizes = [int(options.gigabytes * (1 << 30))]
        huge = measure(Path(name), sizes, options.rounds, program=True)
    as_tag = small[f"tag: {THREADS} threads"] / small["cp + sync"]
    as_huge = huge["one thread"] / huge["cp + sync"]
    text = "\n".join(
        (
            "# Writing tags, next to a plain copy of the same files",
            "",
            machine,
            f"- median of {options.rounds} rounds; every way on fresh files, in turns",
            "",
            f"- {options.files} small files as `tag` writes them: **{as_tag:.2f}** x `cp + sync` "
            f"(wanted: {WANTED})",
            f"- {options.gigabytes:g} GB: **{as_huge:.2f}** x `cp + sync` (wanted: {WANTED})",
            "",
            *table(f"{options.files} WAVs of {options.kilobytes} kB", small, options.files),
            *table(f"One WAV of {options.gigabytes:g} GB", huge, 1),
        )
    )
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)


if __name__ == "__main__":
    main()
