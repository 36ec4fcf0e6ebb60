"""Are the batches of a GPU full, and does throughput grow with the number of workers?

    python bench/simulated_gpu.py [--workers 1 2 4 8 16] [--batches 40] [--ms 2000] [--windows 64]

Each worker has a "device" that takes `ms` for a batch of up to `windows` windows, whatever it is
run on. Files of eight windows; each worker gets enough of them for `batches` full batches. Each
number of workers is a section of ``bench/results/simulated_gpu.md``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from celery_site import install, measured_site, require_postgres, submit, wait_until_done
from results_page import keep_section

RESULTS = Path(__file__).parent / "results" / "simulated_gpu.md"
WINDOWS_PER_FILE = 8
WANTED_FILL = 0.9


def make_sounds(folder: Path, files: int) -> None:
    """Write files of eight seconds, no two alike."""
    rng = np.random.default_rng(files)
    folder.mkdir()
    for number in range(files):
        noise = rng.uniform(-0.5, 0.5, 8000 * WINDOWS_PER_FILE)
        soundfile.write(folder / f"{number:05}.wav", noise, 8000)


def measure(workers: int, batches: int, ms: int, windows: int) -> tuple[float, float]:
    """Return how full the batches were, and windows per second from the first batch on."""
    with tempfile.TemporaryDirectory() as made, measured_site() as place:
        folder, log = Path(made) / "sounds", Path(made) / "log"
        make_sounds(folder, workers * batches * windows // WINDOWS_PER_FILE)
        module = Path(__file__).with_name("simulated_device.py")
        install(place.plugins, module, "simulated", "simulated_device:SimulatedDevice")
        place.extra |= {
            "EARMARK_GPU_CLASSIFIERS": "simulated",
            "EARMARK_DEVICE_BATCH_WINDOWS": str(windows),
            "SIMULATED_MS": str(ms),
            "SIMULATED_LOG": str(log),
        }
        submit(place, folder, "simulated", write=False)
        place.start_clock()
        place.start_worker("scan", "write")
        for number in range(workers):
            place.start_worker("classify.gpu", EARMARK_DEVICE=f"cuda:{number}")
        while not log.exists() and not place.is_done():  # which fails if a worker has ended
            time.sleep(0.05)
        begun = time.perf_counter()
        wait_until_done(place)
        took = time.perf_counter() - begun + ms / 1000
        sizes = [int(line) for line in log.read_text().splitlines()]
    return sum(sizes) / (len(sizes) * windows), sum(sizes) / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--ms", type=int, default=2000)
    parser.add_argument("--windows", type=int, default=64)
    options = parser.parse_args()
    require_postgres()
    for workers in options.workers:
        fill, rate = measure(workers, options.batches, options.ms, options.windows)
        most = workers * options.windows / (options.ms / 1000)
        keep_section(
            RESULTS,
            head="Simulated GPUs",
            title=f"{workers} worker{'s' * (workers != 1)}",
            lines=[
                f"- {options.ms} ms for a batch of up to {options.windows} windows, "
                f"{options.batches} batches for each worker",
                "",
                "| | |",
                "|---|---:|",
                f"| batches full (wanted: {WANTED_FILL:.0%}) | {fill:.0%} |",
                f"| windows per second | {rate:.0f} |",
                f"| of the devices' limit | {rate / most:.0%} |",
            ],
        )


if __name__ == "__main__":
    main()
