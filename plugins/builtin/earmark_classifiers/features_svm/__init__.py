"""`features-svm` and `features-forest`: classic machine learning over classic features.

Fast, small, learns from a few dozen sounds a class on any CPU in seconds; networks are better where
they fit. See ``docs/models/features-svm.md``.
"""

from earmark_classifiers.features_svm.classifier import FeaturesSvmClassifier

__all__ = ["FeaturesSvmClassifier"]
