"""`detector`: finds one sound, such as a bird's call, in recordings of any length.

Short overlapping windows are judged one by one and merged into events, which go to Audacity, Raven
or a table. See ``docs/models/detector.md``.
"""

from earmark_classifiers.detector.classifier import THRESHOLD, DetectorClassifier
from earmark_classifiers.detector.events import Event, EventRules, find_events
from earmark_classifiers.detector.exports import audacity_labels, raven_table

__all__ = [
    "THRESHOLD",
    "DetectorClassifier",
    "Event",
    "EventRules",
    "audacity_labels",
    "find_events",
    "raven_table",
]
