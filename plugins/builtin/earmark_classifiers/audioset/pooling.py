"""How this classifier and its training combine the window scores of a file."""

from __future__ import annotations

from earmark_classifiers.scores import linear_softmax

__all__ = ["linear_softmax"]
