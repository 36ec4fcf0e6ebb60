"""The backend class: windows through a TensorFlow Lite interpreter, one by one."""

from __future__ import annotations

import csv
import threading
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.downloaded import WeightsUnusableError, find_weights
from earmark_classifiers.tagger import Engine, Tagger
from earmark_plugin_api import (
    DeviceUnavailableError,
    Label,
    Manifest,
    PackageMissingError,
    Window,
)

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "yamnet.tflite"
RUNTIME = "ai_edge_litert"

Floats = npt.NDArray[np.float32]


@cache
def read_labels() -> tuple[Label, ...]:
    """Return YAMNet's 521 labels in the order of the score columns."""
    text = files(__package__).joinpath("labels.csv").read_text("utf-8")
    return tuple(Label(row["mid"], row["name"]) for row in csv.DictReader(text.splitlines()))


@cache
def manifest() -> Manifest:
    """Return the identity and needs of the classifier."""
    return Manifest(
        name="yamnet",
        version="1.0.0",
        labels=read_labels(),
        sample_rate=16_000,
        window=Window(seconds=0.975, hop_seconds=0.48),
        licence="Apache-2.0",
        description="521 AudioSet classes by Google's YAMNet, 0.306 mAP on AudioSet.",
        memory_mb=100,
    )


class YamnetClassifier(Tagger):
    """521 AudioSet classes by Google's YAMNet; see ``docs/models/yamnet.md``.

    Levels are left as they are: the network was trained on them.
    """

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return manifest()

    def require_available(self) -> None:
        """Tell whether file and runtime are on this machine.

        Raises
        ------
        WeightsMissingError, PackageMissingError
            With the command that gets what is missing.
        """
        _find_files()

    def make_engine(self, device: str) -> Engine:
        """Return the network; it runs on the CPU only, with one thread.

        Raises
        ------
        DeviceUnavailableError
            If `device` is not ``cpu``.
        WeightsMissingError, PackageMissingError
            See `require_available`; also if the file is another network.
        """
        if device != "cpu":
            raise DeviceUnavailableError(f"yamnet runs on 'cpu', not on {device!r}")
        return LiteEngine(_make_interpreter(_find_files()))

    def to_scores(self, logits: Floats) -> Floats:
        """Keep what comes out of the network: its last layer is the sigmoid."""
        return logits.clip(0.0, 1.0)


class LiteEngine:
    """A TensorFlow Lite interpreter, window by window.

    Calls from several threads wait for each other, since an interpreter holds one computation at
    a time.
    """

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._lock = threading.Lock()

    def __call__(self, windows: Floats) -> tuple[Floats, None]:
        """Compute one window or more; see `Engine`."""
        interpreter = self._interpreter
        (inlet,), (outlet,) = interpreter.get_input_details(), interpreter.get_output_details()
        with self._lock:
            rows = []
            for window in windows:
                interpreter.set_tensor(inlet["index"], window.reshape(inlet["shape"]))
                interpreter.invoke()
                rows.append(interpreter.get_tensor(outlet["index"]).reshape(-1))
        return np.stack(rows), None


def _find_files() -> Path:
    if find_spec(RUNTIME) is None:
        raise PackageMissingError(
            "It needs the package ai-edge-litert, which is not installed; "
            "`pip install ai-edge-litert` gets it."
        )
    return find_weights("yamnet", FILE_NAME)


def _make_interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
        sizes = [
            [int(np.prod(tensor["shape"])) for tensor in tensors]
            for tensors in (interpreter.get_input_details(), interpreter.get_output_details())
        ]
    except (ValueError, RuntimeError) as error:
        raise WeightsUnusableError(f"{path} cannot be read as a network: {error}") from error
    if sizes != [[manifest().window_samples], [len(read_labels())]]:
        raise WeightsUnusableError(
            f"{path} is another network: it maps {sizes[0]} values to {sizes[1]}, "
            "YAMNet's classifier 15600 to 521. `earmark models remove yamnet` and "
            "`earmark models pull yamnet` get the right file."
        )
    return interpreter
