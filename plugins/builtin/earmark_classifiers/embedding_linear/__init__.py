"""`embedding-linear`: logistic regression over what the `audioset` network hears.

The default for classes of one's own: learns from a dozen sounds a class, in seconds after every
sound was heard once. See ``docs/models/embedding-linear.md``.
"""

from earmark_classifiers.embedding_linear.classifier import (
    EmbedderChangedError,
    EmbeddingLinearClassifier,
)

__all__ = ["EmbedderChangedError", "EmbeddingLinearClassifier"]
