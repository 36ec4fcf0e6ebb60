"""The `panns-cnn14` classifier: the public CNN14 tagger from its published weights."""

from earmark_classifiers.panns.classifier import PannsCnn14

__all__ = ["PannsCnn14"]
