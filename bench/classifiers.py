"""How fast, how large and how quick to start is every installed classifier?

    python bench/classifiers.py [--minutes 5] [--only NAME ...]

Each classifier runs in a fresh process pinned to one core, as a worker process runs it: loaded
once, windows in batches of eight. Counted are processor seconds, bare (windows in, scores out)
and with decoding and cutting one WAV of 48 kHz stereo. Trained classifiers of this installation
and YAMNet, where its file and ``ai-edge-litert`` are there, run beside the bundled ones; what
cannot be used is listed with the reason. Kept in ``bench/results/classifiers.md``.
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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import soundfile
from machine import describe_machine

if TYPE_CHECKING:
    from earmark_plugin_api import Classifier

RESULTS = Path(__file__).parent / "results" / "classifiers.md"
RATE = 48_000
BATCH = 8
CODE = (".py", ".pyc", ".so", ".pth", ".json", ".txt", ".toml", ".cfg")

HEAD = (
    "| classifier | x real time, bare | x real time, decoding included | load, s "
    "| MiB after load | MiB at most | weights, MiB |",
    "|---|---:|---:|---:|---:|---:|---:|",
)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """What was measured of one classifier.

    Attributes
    ----------
    bare, decoding : float
        Seconds of sound per processor second.
    load_s : float
        Processor seconds from the import of the classifier to ready.
    loaded_mb, peak_mb : float
        Resident memory of the process after loading, and the most it ever was.
    weights_mb : float
        Files that loading reads, code left out.
    """

    bare: float
    decoding: float
    load_s: float
    loaded_mb: float
    peak_mb: float
    weights_mb: float


class ReadFiles:
    """Notes which files this process opens: by Python, or by a library through a mapping."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            self._paths.add(arguments[0])

    @property
    def weights_mb(self) -> float:
        """Of the data among them, and of what is mapped now."""
        mapped = {line.split(maxsplit=5)[-1] for line in _read("/proc/self/maps").splitlines()}
        data = {
            os.path.realpath(path)
            for path in self._paths | mapped
            if path.startswith("/") and not path.endswith(CODE) and ".so." not in path
        }
        files = (path for path in data if _is_weights(path))
        return sum(Path(path).stat().st_size for path in files) / 2**20


def _is_weights(path: str) -> bool:
    suffixes = (".safetensors", ".npz", ".onnx", ".tflite", ".pt", ".bin", ".csv")
    return path.endswith(suffixes) and Path(path).is_file()


def _read(path: str) -> str:
    return Path(path).read_text()


def write_sound(path: Path, seconds: float) -> None:
    """Write noise with tones in it, 48 kHz stereo, 16 bit."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE) / RATE
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        for second in range(max(1, round(seconds))):
            block = 0.1 * rng.standard_normal((RATE, 2))
            block += (0.3 * np.sin(2 * np.pi * (200 + 37 * (second % 40)) * t))[:, None]
            file.write(np.clip(block, -1, 1))


def batches_of(path: Path, classifier: Classifier) -> Iterator[Floats]:
    """Decode and cut a file, in batches of windows."""
    from earmark_files.decoding import stream
    from earmark_plugin_api import WindowCutter

    manifest = classifier.manifest
    cutter = WindowCutter(manifest.window, manifest.sample_rate)
    pending: list[Floats] = []
    for block in stream(path, sample_rate=manifest.sample_rate):
        for window in cutter.push(block):
            pending.append(window.samples)
            if len(pending) == BATCH:
                yield np.stack(pending)
                pending.clear()
    pending += [window.samples for window in cutter.finish()]
    if pending:
        yield np.stack(pending)


def measure(target: str, folder: str, path: Path) -> Figures:
    """Measure one classifier in this process, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from earmark.classifiers.registry import make_classifier

    read = ReadFiles()
    begun = time.process_time()
    classifier = make_classifier(target, folder)
    classifier.load("cpu")
    load_s = time.process_time() - begun
    loaded_mb = _resident_mb()
    weights_mb = read.weights_mb
    length = soundfile.info(path).duration
    kept = list(batches_of(path, classifier))
    classifier.predict(kept[0])  # the first call of a network allocates what it keeps

    def bare() -> None:
        for windows in kept:
            classifier.predict(windows)

    def with_decoding() -> None:
        scores = [classifier.predict(batch).scores for batch in batches_of(path, classifier)]
        classifier.pool(np.concatenate(scores))

    bare_s, decoding_s = _cpu_seconds(bare), _cpu_seconds(with_decoding)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak_mb -= sum(batch.nbytes for batch in kept) / 2**20
    return Figures(length / bare_s, length / decoding_s, load_s, loaded_mb, peak_mb, weights_mb)


def _cpu_seconds(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _resident_mb() -> float:
    pages = int(_read("/proc/self/statm").split()[1])
    return pages * resource.getpagesize() / 2**20


def measure_apart(target: str, folder: str, path: Path) -> Figures | str:
    """Measure one classifier in a process of its own; the end of what it said if it fails."""
    from earmark_workers.engine.environment import ENVIRONMENT

    command = [sys.executable, __file__, "--measure", target, "--folder", folder]
    done = subprocess.run(
        [*command, "--sound", str(path)],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr.strip().rpartition("\n")[2]
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def row_of(name: str, found: Figures | str) -> str:
    """Return a row of the table."""
    if isinstance(found, str):
        return f"| {name} | not measured: {found.replace('|', '/')} | | | | | |"
    speeds = f"{found.bare:,.0f} | {found.decoding:,.0f} | {found.load_s:.1f}"
    sizes = f"{found.loaded_mb:.0f} | {found.peak_mb:.0f} | {found.weights_mb:.1f}"
    return f"| {name} | {speeds} | {sizes} |"


def rows(only: list[str], minutes: float) -> list[str]:
    """Measure one classifier after the other."""
    import django

    django.setup()
    from earmark.classifiers.registry import inspect_plugins, list_plugins

    made = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "sound.wav"
        write_sound(path, 60 * minutes)
        for inspection in inspect_plugins(list_plugins()):
            plugin = inspection.plugin
            if only and plugin.name not in only:
                continue
            found: Figures | str = inspection.code
            if inspection.usable:
                found = measure_apart(plugin.target, plugin.folder, path)
            made.append(row_of(plugin.name, found))
            print(made[-1], flush=True)
    return made


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--output", type=Path, default=RESULTS)
    for name in ("--measure", "--folder", "--sound"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")
    if options.measure:
        print(json.dumps(asdict(measure(options.measure, options.folder, Path(options.sound)))))
        return
    text = "\n".join(
        (
            "# Classifiers: one process on one core each",
            "",
            describe_machine(),
            f"- input: {options.minutes:g} min of 48 kHz stereo, batches of {BATCH} windows; "
            "speeds are seconds of sound per processor second",
            "",
            *HEAD,
            *rows(options.only, options.minutes),
            "",
        )
    )
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(text)


if __name__ == "__main__":
    main()
