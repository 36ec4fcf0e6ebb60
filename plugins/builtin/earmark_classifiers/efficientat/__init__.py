"""The `efficientat-*` classifiers: the public EfficientAT taggers from their published weights."""

from earmark_classifiers.efficientat.classifier import (
    EfficientAtMn04,
    EfficientAtMn10,
    EfficientAtMn20,
)

__all__ = ["EfficientAtMn04", "EfficientAtMn10", "EfficientAtMn20"]
