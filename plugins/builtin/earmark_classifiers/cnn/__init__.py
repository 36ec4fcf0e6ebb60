"""The `cnn` backend: a small convolutional network over log-mel segments, 16 kHz.

Ships with weights for classes of the Freesound audio tagging challenge 2018 and can be trained.
"""

from earmark_classifiers.cnn.classifier import CnnClassifier

__all__ = ["CnnClassifier"]
