"""How the bundled weights were made: distillation of a public teacher on open recordings.

Run ``python -m earmark_classifiers.audioset.training --help``. Nothing here is needed to use the
classifier.
"""
