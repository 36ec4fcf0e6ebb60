"""What safe tag writing costs: ``python bench/metadata.py [--files 1000] [--gigabytes 3]``.

Two libraries, many small WAV files and one huge one, are each tagged and, in the same run and in
turns, copied and replaced the plain way:

- `cp`: the bytes are copied by the system's own ``cp``, then `os.replace`;
- `cp + sync`: the same, and file and folder are on the disk before the next file, as ours are.

The ratio that counts is to `cp + sync`, because a copy that is only in memory is not a copy yet;
the other one is printed beside it. A plan needs the audio hash, which a scan works out anyway;
`plan` is timed with and without it. Prints a table and keeps it in ``bench/results/metadata.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from earmark_files.identity import audio_identity
from earmark_files.metadata import Policy, TagSet, apply, plan_write

RESULTS = Path(__file__).parent / "results" / "metadata.json"
TAGS = TagSet(
    keywords=("dog", "bark", "howl", "kennel", "animal"),
    category="ANIMALS",
    subcategory="DOG",
    catid="ANMLDog",
    description="A dog barks and howls in a kennel",
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


def plain(paths: list[Path], *, durable: bool, program: bool) -> None:
    """Copy every file and put the copy in its place."""
    for path in paths:
        copy = path.with_suffix(".copy")
        if program:
            subprocess.run(["cp", "--preserve=all", str(path), str(copy)], check=True)
        else:
            # Starting a process for each of many small files would time the process.
            shutil.copy2(path, copy)
        if durable:
            sync(copy)
        copy.replace(path)
        if durable:
            sync(path.parent)


def ours(paths: list[Path], hashes: dict[Path, str] | None, policy: Policy) -> None:
    """Tag every file."""
    for path in paths:
        plan = plan_write(path, TAGS, policy, audio_hash=hashes[path] if hashes else None)
        apply(plan)


def timed(action: Callable[[], None]) -> float:
    """Return how many seconds something took."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(
    folder: Path, sizes: list[int], rounds: int, *, program: bool
) -> dict[str, list[float]]:
    """Time each way on fresh copies of the same files, in turns."""
    ways: dict[str, Callable[[list[Path], dict[Path, str]], None]] = {
        "cp": lambda p, _: plain(p, durable=False, program=program),
        "cp + sync": lambda p, _: plain(p, durable=True, program=program),
        "tags, hash known": lambda p, h: ours(p, h, Policy()),
        "tags": lambda p, _: ours(p, None, Policy()),
        "tags in place": lambda p, h: ours(p, h, Policy(in_place_from=0)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            paths = [folder / f"{index}.wav" for index in range(len(sizes))]
            for path, size in zip(paths, sizes, strict=True):
                make_wav(path, size)
            os.sync()
            hashes = {path: audio_identity(path).hash for path in paths}
            seconds[name].append(timed(lambda w=way, p=paths, h=hashes: w(p, h)))
            for path in paths:
                path.unlink()
    return seconds


def table(title: str, seconds: dict[str, list[float]], files: int) -> list[str]:
    """Return lines for people."""
    best = {name: statistics.median(times) for name, times in seconds.items()}
    lines = [title]
    for name, time_ in best.items():
        ratio = time_ / best["cp + sync"]
        plain_ratio = time_ / best["cp"]
        lines.append(
            f"  {name:18} {time_:9.3f} s {files / time_:9.1f} files/s"
            f"   x {ratio:5.2f} of cp + sync   x {plain_ratio:6.2f} of cp"
        )
    return lines


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=500, help="audio of a small file")
    parser.add_argument("--gigabytes", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the volume to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        small = measure(
            folder, [options.kilobytes << 10] * options.files, options.rounds, program=False
        )
        huge = measure(folder, [int(options.gigabytes * (1 << 30))], options.rounds, program=True)
    lines = table(f"{options.files} WAV files of {options.kilobytes} kB", small, options.files)
    lines += table(f"one WAV file of {options.gigabytes} GB", huge, 1)
    sys.stdout.write("\n".join(lines) + "\n")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {"options": {k: str(v) for k, v in vars(options).items()}}
    RESULTS.write_text(json.dumps(report | {"small": small, "huge": huge}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
