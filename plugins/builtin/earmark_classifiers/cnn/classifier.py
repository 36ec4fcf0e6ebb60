"""The `cnn` classifier: what the platform sees of the networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from earmark_classifiers.segment_tagger import SegmentTagger

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures


class CnnClassifier(SegmentTagger):
    """Convolutions over a log-mel segment; see ``docs/models/cnn.md`` for data and figures."""

    backend = "cnn"
    bundled = Path(__file__).parent / "bundled"

    @staticmethod
    def architectures() -> Architectures:
        """Return the small network and the one with the body of `audioset`."""
        from earmark_classifiers.cnn.network import ARCHITECTURES

        return ARCHITECTURES
