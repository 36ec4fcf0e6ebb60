"""`panns-cnn14` small enough to test; in a module of its own because it must not import torch."""

from __future__ import annotations

from earmark_classifiers.panns import PannsCnn14


class SmallPanns(PannsCnn14):
    """The classifier with so few channels that a test can afford it."""

    channels = (4, 4, 6, 6, 8, 16)
