"""The `yamnet` classifier: Google's YAMNet as a TensorFlow Lite file, run by ai-edge-litert.

``labels.csv`` holds the classes in the order of the score columns. It was made from
``yamnet_class_map.csv`` of https://github.com/tensorflow/models (research/audioset/yamnet;
SHA-256 of that file cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2), licensed
Apache-2.0, by leaving out its column of row numbers.
"""

from earmark_classifiers.yamnet.classifier import YamnetClassifier

__all__ = ["YamnetClassifier"]
