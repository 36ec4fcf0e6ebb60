"""The `rnn` classifier: what the platform sees of the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from earmark_classifiers.segment_tagger import SegmentTagger

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures


class RnnClassifier(SegmentTagger):
    """A GRU over frames of MFCC and log-mels; see ``docs/models/rnn.md`` for data and figures."""

    backend = "rnn"
    bundled = Path(__file__).parent / "bundled"

    @staticmethod
    def architectures() -> Architectures:
        """Return the GRU."""
        from earmark_classifiers.rnn.network import ARCHITECTURES

        return ARCHITECTURES
