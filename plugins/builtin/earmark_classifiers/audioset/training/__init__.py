"""How the bundled weights were made: distillation of a public teacher on open recordings.

``python -m earmark_classifiers.audioset.training`` makes all of it again. Nothing here is needed to
use the classifier.
"""
