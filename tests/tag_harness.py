"""Runs the real `tag` command in a process of its own, with a small real classifier.

The classifier is a complete plugin on the path of the child process: it measures where the
energy of a window lies and how tonal it is. It needs no weights and starts at once, so these
tests are about the pipeline and not about a network.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("platform", "workers", "plugins/api", "plugins/builtin")

PLUGIN = """
import numpy as np
from earmark_plugin_api import Label, Manifest, Window, WindowScores

LABELS = (Label("/m/01v_m0", "Sine wave"), Label("/m/0cj0r", "White noise"),
          Label("/m/0284vy3", "Train horn"), Label("/m/03m5k", "Harp"))

class Bands:
    manifest = Manifest(name="bands", version="1.0.0", labels=LABELS, sample_rate=8000,
                        window=Window(1.0, 1.0), licence="CC0-1.0", description="Energy in bands.")
    def load(self, device="cpu"): pass
    def predict(self, windows):
        power = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2 + 1e-12
        share = power / power.sum(axis=1, keepdims=True)
        top = np.sort(share, axis=1)[:, -8:].sum(axis=1)
        flat = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        low = share[:, : windows.shape[1] // 20].sum(axis=1)
        scores = np.stack([top, flat, low * top, 0.05 * flat], axis=1)
        return WindowScores(np.clip(scores, 0, 1).astype(np.float32))
    def pool(self, scores): return scores.max(axis=0)
    def close(self): pass
"""


def install_plugin(folder: Path, name: str = "bands", source: str = PLUGIN) -> Path:
    """Lay out an installed distribution with one classifier; put `folder` on the path."""
    info = folder / f"earmark_{name}-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: earmark-{name}\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(
        f"[earmark.classifiers]\n{name} = earmark_{name}:{name.capitalize()}\n"
    )
    (folder / f"earmark_{name}.py").write_text(source)
    return folder


def sine(path: Path, seconds: float = 1.5, frequency: float = 440.0, rate: int = 16000) -> Path:
    """Write a tone."""
    t = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency * t), rate)
    return path


def noise(path: Path, seconds: float = 1.5, seed: int = 0, rate: int = 16000) -> Path:
    """Write white noise."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))
    soundfile.write(path, samples, rate)
    return path


@dataclass
class Outcome:
    """What a finished command left."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """The JSON Lines by file name."""
        rows = [json.loads(line) for line in self.out.splitlines()]
        return {Path(row["path"]).name: row for row in rows}

    @property
    def codes(self) -> dict[str, str | None]:
        """Error code by file name."""
        return {n: r["error"] and r["error"]["code"] for n, r in self.records.items()}


@dataclass
class Installation:
    """An independent Earmark: its own data folder, and the test classifier."""

    data: Path
    plugins: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the command runs under."""
        path = [str(REPOSITORY / root) for root in SOURCE_ROOTS] + [str(self.plugins)]
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))},
            "PYTHONPATH": os.pathsep.join(path),
            "EARMARK_DATA_DIR": str(self.data),
            **self.extra,
        }

    def command(self, *arguments: str | Path) -> list[str]:
        """The argument vector of ``earmark ARGUMENTS``."""
        return [sys.executable, "-m", "earmark", *map(os.fspath, arguments)]

    def run(self, *arguments: str | Path, timeout: float = 120) -> Outcome:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        decode = lambda raw: raw.decode("utf-8", "surrogateescape")  # noqa: E731
        return Outcome(done.returncode, decode(done.stdout), decode(done.stderr))

    def tag(self, *arguments: str | Path, classifier: str = "bands") -> Outcome:
        """Run ``earmark tag --json`` with the test classifier and one worker."""
        return self.run("tag", "--json", "--workers", "1", "--classifier", classifier, *arguments)

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments), env=self.environment, start_new_session=True, **options
        )


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def kill(pid: int) -> None:
    """End a process at once, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
