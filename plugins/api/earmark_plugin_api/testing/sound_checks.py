"""Checks with sounds as they come: short, long, quiet, silent, broken."""

from __future__ import annotations

import re

import numpy as np

from earmark_plugin_api.manifest import Label
from earmark_plugin_api.testing.outcome import Factory, loaded, require, require_same
from earmark_plugin_api.testing.pool_checks import pool_valid
from earmark_plugin_api.testing.score_checks import predict_valid
from earmark_plugin_api.testing.signals import extreme_sounds, noise, probe_sounds, probe_windows
from earmark_plugin_api.windows import WindowCutter, cut_windows

CONFIDENT = 0.25
"""Scores from here on become tags by default."""

QUIETER = 0.1
"""-20 dB: the same recording with the fader down."""

_QUIET_LABEL = re.compile(
    r"\b(silence|silent|quiet|nothing|none|background|absent|empty)\b|^(no|not)\b", re.IGNORECASE
)


def check_short_clips(factory: Factory, device: str = "cpu") -> None:
    """Clips of one sample, 0.05 s and 0.2 s get valid scores.

    They reach `predict` repeated until they fill a window; one sample becomes a constant.
    """
    with loaded(factory, device) as classifier:
        manifest = classifier.manifest
        for seconds in (0.0, 0.05, 0.2):
            clip = noise(max(1, round(seconds * manifest.sample_rate)))
            what = f"a clip of {len(clip)} sample(s)"
            cut = cut_windows(clip, manifest.window, manifest.sample_rate)
            scores = predict_valid(classifier, np.stack([part.samples for part in cut]), what)
            pool_valid(classifier, scores, what)


def check_empty_clip(factory: Factory, device: str = "cpu") -> None:
    """A batch of no windows gets scores of shape (0, labels)."""
    with loaded(factory, device) as classifier:
        nothing = np.zeros((0, classifier.manifest.window_samples), np.float32)
        predict_valid(classifier, nothing, "a batch of no windows")


def check_long_clip(factory: Factory, device: str = "cpu") -> None:
    """Many windows of one file score the same in one batch and in small ones, and pool well."""
    with loaded(factory, device) as classifier:
        manifest = classifier.manifest
        hops = 20 * manifest.window.hop_samples(manifest.sample_rate)
        sounds = probe_sounds(manifest.window_samples + hops // 5, manifest.sample_rate)
        cutter = WindowCutter(manifest.window, manifest.sample_rate)
        cut = [part.samples for block in sounds.values() for part in cutter.push(block)]
        cut += [part.samples for part in cutter.finish()]
        windows = np.stack(cut)
        together = predict_valid(classifier, windows, f"{len(windows)} windows at once")
        pieces = [predict_valid(classifier, windows[i : i + 5], "five windows")
                  for i in range(0, len(windows), 5)]  # fmt: skip
        pool_valid(classifier, together, f"{len(windows)} windows")
    require_same(
        np.concatenate(pieces),
        together,
        f"Scores of {len(windows)} windows in one batch and in batches of 5",
        "Score every row by itself, however many there are.",
    )


def check_level_robustness(factory: Factory, device: str = "cpu") -> None:
    """20 dB less level changes little.

    Of six probe sounds at -20 dBFS at least four must keep their leading label at -40 dBFS: it
    loses at most 0.2, or stays among the best three (the best one where there are fewer than
    ten labels). Two may change, because synthetic sounds sit between classes and no network is
    perfectly level-blind; libraries hold the same sound 20 dB apart every day.
    """
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        loud = predict_valid(classifier, windows, "sounds at -20 dBFS")
        quiet = predict_valid(classifier, windows * np.float32(QUIETER), "sounds at -40 dBFS")
    best = 3 if loud.shape[1] >= 10 else 1
    rows = np.arange(len(loud))
    leaders = loud.argmax(axis=1)
    steady = np.abs(loud[rows, leaders] - quiet[rows, leaders]) <= 0.2
    ranks = (quiet >= quiet[rows, leaders][:, None]).sum(axis=1)
    kept = int((steady | (ranks <= best)).sum())
    require(
        3 * kept >= 2 * len(loud),
        f"Only {kept} of {len(loud)} sounds keep their leading label when 20 dB quieter",
        "Train with random gain, normalise the level of each window, or use features that do not "
        "depend on it.",
    )


def check_silence(factory: Factory, device: str = "cpu") -> None:
    """Digital silence and the last bit of 16-bit dither get no confident sound label.

    No label may reach 0.25, where tagging starts, except those whose name says that nothing is
    there: Silence, Quiet, Background, None, Nothing, Absent, Empty, "No ...", "Not ...".
    """
    with loaded(factory, device) as classifier:
        manifest = classifier.manifest
        dither = (np.sign(noise(manifest.window_samples)) / 32_768).astype(np.float32)
        windows = np.stack([np.zeros_like(dither), dither])
        scores = predict_valid(classifier, windows, "silence")
    for row, what in zip(scores, ("digital silence", "16-bit dither"), strict=True):
        heard = [
            f"{label.name} ({score:.2f})"
            for label, score in zip(manifest.labels, row, strict=True)
            if score >= CONFIDENT and not _says_silence(label)
        ]
        require(
            not heard,
            f"In {what} it hears {', '.join(heard)}",
            "Let the scores fade to nothing between about -60 and -90 dBFS, or train with silent "
            "windows that have no label.",
        )


def _says_silence(label: Label) -> bool:
    return _QUIET_LABEL.search(label.name) is not None


def check_extreme_sounds(factory: Factory, device: str = "cpu") -> None:
    """DC, clipping, noise over full scale, an impulse and denormals get valid scores."""
    with loaded(factory, device) as classifier:
        sounds = extreme_sounds(classifier.manifest.window_samples)
        for what, samples in sounds.items():
            predict_valid(classifier, samples[None, :], what)
