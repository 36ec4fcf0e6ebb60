"""The `rnn` backend: a recurrent network over frames of MFCC and log-mels, 16 kHz.

Ships with weights for classes of the Freesound audio tagging challenge 2018 and can be trained.
"""

from earmark_classifiers.rnn.classifier import RnnClassifier

__all__ = ["RnnClassifier"]
