"""The `audioset` classifier: 527 kinds of sound, bundled weights, CPU or GPU.

``labels.csv`` holds the classes in the order of the score columns: ids and display names of
AudioSet (Gemmeke et al. 2017, licensed CC BY 4.0).
"""

from earmark_classifiers.audioset.classifier import AudioSetClassifier

__all__ = ["AudioSetClassifier"]
