"""Trying a network on the clips that were kept back, scored as the platform scores files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from earmark_classifiers.calibration import Calibration, fit_calibration
from earmark_classifiers.networks.segments import SegmentNetwork
from earmark_classifiers.scores import heard_share, pool_owned
from earmark_classifiers.training.data import LabelledClip
from earmark_classifiers.training.figures import clip_figures, first_label_right
from earmark_classifiers.training.loop import Verdict
from earmark_classifiers.training.segments import make_targets, validation_batches
from earmark_classifiers.training.sounds import SoundStore
from earmark_plugin_api import Window

Floats = npt.NDArray[np.float32]

FEWEST_TO_CALIBRATE = 200
"""Validation clips below which a scale fitted to them would be noise itself."""

_BATCH = 16


@dataclass(frozen=True, eq=False)
class Heard:
    """What a network says about the windows of the validation clips.

    Attributes
    ----------
    logits : ndarray of float32, shape (windows, classes)
    loudness : ndarray of float32, shape (windows, 1)
        See `earmark_classifiers.scores.heard_share`.
    owners : ndarray of int64, shape (windows,)
        Rows of their clips, ascending.
    """

    logits: Floats
    loudness: Floats
    owners: npt.NDArray[np.int64]

    def clip_scores(self, calibration: Calibration) -> Floats:
        """Scores of the clips, ``[clips, classes]``, as the platform would store them."""
        return pool_owned(calibration(self.logits) * self.loudness, self.owners)


class Validation:
    """Clips that were kept back.

    Parameters
    ----------
    clips : sequence of LabelledClip
    labels : sequence of str
    sounds : SoundStore
    window : Window
    """

    def __init__(
        self,
        clips: Sequence[LabelledClip],
        labels: Sequence[str],
        sounds: SoundStore,
        window: Window,
    ) -> None:
        self._clips, self._labels = clips, labels
        self._sounds, self._window = sounds, window
        self._truth = make_targets(clips, labels).astype(bool)

    def __call__(self, network: SegmentNetwork) -> Verdict:
        """Say how good the network is now."""
        heard = self.listen(network)
        scores = heard.clip_scores(Calibration())
        margin = heard.logits
        truth = self._truth[heard.owners]
        loss = float((np.logaddexp(0, margin) - truth * margin).sum(axis=1).mean())
        return Verdict(first_label_right(self._truth, scores), -loss)

    def listen(self, network: SegmentNetwork) -> Heard:
        """Run the network over all windows."""
        network.eval()
        device = next(network.parameters()).device
        logits, loudness, owners = [], [], []
        with torch.inference_mode():
            for samples, rows in validation_batches(
                self._clips, self._sounds, self._window, _BATCH
            ):
                answer, _ = network(torch.from_numpy(samples).to(device))
                logits.append(answer.cpu().numpy())
                loudness.append(heard_share(samples))
                owners.append(rows)
        return Heard(np.concatenate(logits), np.concatenate(loudness), np.concatenate(owners))

    def calibrate(self, heard: Heard) -> Calibration | None:
        """Fit what scores mean, or None where there are too few clips for that."""
        if len(self._clips) < FEWEST_TO_CALIBRATE:
            return None
        return fit_calibration(heard.logits, self._truth[heard.owners])

    def figures(self, heard: Heard, calibration: Calibration | None) -> dict[str, Any]:
        """Return the figures of a trained network as JSON values."""
        return clip_figures(
            self._labels,
            self._truth,
            heard.clip_scores(calibration or Calibration()),
            calibrated=None if calibration is None else self._cross_fitted(heard),
        )

    def _cross_fitted(self, heard: Heard) -> Floats:
        """Score each half of the clips with the calibration fitted on the other half."""
        scores = np.zeros(self._truth.shape, np.float32)
        for half in (0, 1):
            other = heard.owners % 2 != half
            fitted = fit_calibration(heard.logits[other], self._truth[heard.owners[other]])
            scores[half::2] = heard.clip_scores(fitted)[half::2]
        return scores
