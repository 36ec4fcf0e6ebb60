"""How much memory does `earmark tag --workers 1` need, and does a long file need more?

    python bench/memory.py [--hours 10]

Tags, each in a fresh data folder: 60 short WAVs, one file of 10 minutes, one of 10 hours. Printed
is the highest sum over all processes of the tree at one moment; kept in
``bench/results/memory.md``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from installation import EARMARK, has_wordnet, make_installation
from machine import describe_machine
from process_tree import TreeUse, run_measured

RESULTS = Path(__file__).parent / "results" / "memory.md"
WANTED_MB = 700


def write_noise(path: Path, seconds: float, rate: int, subtype: str) -> None:
    """Write noise with a tone every minute, block by block."""
    rng = np.random.default_rng(0)
    t = np.arange(rate) / rate
    with soundfile.SoundFile(path, "w", rate, 1, subtype) as file:
        for second in range(round(seconds)):
            block = 0.1 * rng.standard_normal(rate)
            if second % 60 < 3:
                block += 0.5 * np.sin(2 * np.pi * 880 * t)
            file.write(np.clip(block, -1, 1))


def tag(folder: Path, data: Path) -> TreeUse:
    """Tag one folder in a fresh installation."""
    environment = make_installation(data)
    output = data.with_suffix(".out")
    use = run_measured([*EARMARK, "tag", "--workers", "1", str(folder)], environment, output)
    if use.status:
        raise SystemExit(f"tagging {folder.name} ended with status {use.status}")
    return use


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=10.0)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("60 short files", "10 minutes", f"{options.hours:g} hours"):
            folder = Path(scratch) / name
            folder.mkdir()
            if name.startswith("60"):
                for number in range(60):
                    write_noise(folder / f"{number:02}.wav", 3 + number % 20, 48000, "PCM_24")
            else:
                seconds = 600.0 if name == "10 minutes" else options.hours * 3600
                write_noise(folder / "take.wav", seconds, 8000, "PCM_U8")
            use = tag(folder, Path(scratch) / f"{name} data")
            parts = ", ".join(f"{n} {mb:.0f}" for n, mb in sorted(use.largest.items()))
            rows.append(f"| {name} | {use.peak_rss_mb:.0f} | {use.peak_pss_mb:.0f} | {parts} |")
    text = "\n".join(
        (
            "# Peak memory of `earmark tag --workers 1`, whole process tree, MiB",
            "",
            describe_machine(),
            f"- synonyms: {'with' if has_wordnet() else 'without'} WordNet",
            f"- wanted: under {WANTED_MB}, and no more for a long file than for a short one",
            "",
            "| input | resident, summed | shared pages counted once | each process |",
            "|---|---:|---:|---|",
            *rows,
            "",
        )
    )
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text)


if __name__ == "__main__":
    main()
