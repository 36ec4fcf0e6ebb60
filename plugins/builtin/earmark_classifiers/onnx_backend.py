"""Networks run by ONNX Runtime on the CPU, about twice as fast as by torch and started sooner.

A graph begins at what the network's front end hears (log-mels): Fourier transforms are slow there.
Importing this module does not import ONNX Runtime; `open_session` does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = npt.NDArray[np.float32]

INPUT = "logmels"
OUTPUTS = ("logits", "embeddings")
"""Names in the graphs that `earmark_classifiers.networks.onnx_graph` writes."""


class OnnxEngine:
    """A network from a file.

    Parameters
    ----------
    model : bytes or Path
        An ONNX file with the input `INPUT` and the outputs `OUTPUTS`.
    front_end : Callable
        Maps windows ``[windows, samples]`` to what the graph takes.
    rows : int
        Windows computed at once; more fall out of the caches.
    """

    def __init__(
        self, model: bytes | Path, front_end: Callable[[Floats], Floats], rows: int
    ) -> None:
        self._session = open_session(model)
        self._front_end = front_end
        self._rows = rows

    def __call__(self, windows: Floats) -> tuple[Floats, Floats]:
        """Compute one window or more; see `earmark_classifiers.tagger.Engine`."""
        parts = [
            self._session.run(OUTPUTS, {INPUT: self._front_end(windows[at : at + self._rows])})
            for at in range(0, len(windows), self._rows)
        ]
        logits, embeddings = (np.concatenate(column) for column in zip(*parts, strict=True))
        return logits, embeddings


def open_session(model: bytes | Path) -> InferenceSession:
    """Return a session with one thread: several processes are faster than several threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
