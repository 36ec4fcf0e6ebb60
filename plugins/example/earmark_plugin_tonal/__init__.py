"""An Earmark classifier without a network: how much of a sound is tone, noise, click, silence."""

from earmark_plugin_tonal.classifier import TonalClassifier

__all__ = ["TonalClassifier"]
