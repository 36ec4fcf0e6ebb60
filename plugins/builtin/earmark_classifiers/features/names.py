"""Names of the features, in the order of the columns."""

from __future__ import annotations

PITCH_CLASSES = ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")
"""The twelve semitones, from A0 = 27.5 Hz upwards, octaves folded together."""

MFCC_COUNT = 13

SHORT_TERM_NAMES = (
    "zero_crossing_rate",
    "energy",
    "energy_entropy",
    "spectral_centroid",
    "spectral_spread",
    "spectral_entropy",
    "spectral_flux",
    "spectral_rolloff",
    *(f"mfcc_{number}" for number in range(1, MFCC_COUNT + 1)),
    *(f"chroma_{name}" for name in PITCH_CLASSES),
    "chroma_deviation",
)
"""The 34 features of a frame."""

SHORT_TERM_DELTA_NAMES = (*SHORT_TERM_NAMES, *(f"delta_{name}" for name in SHORT_TERM_NAMES))
"""The 34 features of a frame and how much each changed since the frame before: 68."""

MID_TERM_NAMES = (
    *(f"{name}_mean" for name in SHORT_TERM_DELTA_NAMES),
    *(f"{name}_std" for name in SHORT_TERM_DELTA_NAMES),
)
"""Mean and standard deviation of the 68 over a mid-term window: 136."""
