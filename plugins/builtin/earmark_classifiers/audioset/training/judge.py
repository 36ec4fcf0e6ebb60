"""How good a student is: figures over the validation split, as the platform would score it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset.listening import make_front_end
from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.audioset.training.corpus import RATE, Corpus
from earmark_classifiers.evaluation.metrics import mean_average_precision
from earmark_classifiers.networks.onnx_graph import to_onnx
from earmark_classifiers.onnx_backend import OnnxEngine
from earmark_plugin_api import Window, cut_windows

WINDOW = Window(seconds=5.0, hop_seconds=5.0)
PRESENT = 0.3
"""A class counts as present where the teacher's score is above this."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Figures:
    """Agreement with the teacher on clips neither was trained on.

    Attributes
    ----------
    top1_in_top3 : float
        Share of clips whose first label by the teacher is among the student's first three.
    mean_average_precision : float
        Over the classes that at least `MIN_CLIPS` clips hold.
    classes : int
        How many those are.
    """

    top1_in_top3: float
    mean_average_precision: float
    classes: int


MIN_CLIPS = 3


def cut_clips(corpus: Corpus, clips: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Cut clips as the platform does: windows at 32 kHz, and the place of their clip in `clips`."""
    windows, owners = [], []
    for row, clip in enumerate(clips):
        samples = corpus.samples(int(clip)).astype(np.float32) / np.float32(32768)
        for window in cut_windows(samples, WINDOW, RATE):
            windows.append(window.samples)
            owners.append(row)
    return np.stack(windows), np.array(owners)


def validation_windows(corpus: Corpus) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Cut the clips of the validation split, see `cut_clips`."""
    return cut_clips(corpus, np.flatnonzero(corpus.is_val))


def open_network(network: AudioSetNetwork) -> OnnxEngine:
    """Let a network be computed as the platform computes it."""
    return OnnxEngine(to_onnx(network.eval()), make_front_end(), rows=4)


def judge(student: Floats, teacher_logits: Floats) -> Figures:
    """Compare clip scores ``[clips, 527]`` with the teacher's logits of the same clips."""
    top3 = np.argsort(-student, axis=1)[:, :3]
    hits = (top3 == teacher_logits.argmax(axis=1)[:, None]).any(axis=1)
    present = 1 / (1 + np.exp(-teacher_logits)) > PRESENT
    judged = np.flatnonzero(present.sum(axis=0) >= MIN_CLIPS)
    precision = mean_average_precision(present[:, judged], student[:, judged])
    return Figures(float(hits.mean()), precision, len(judged))
