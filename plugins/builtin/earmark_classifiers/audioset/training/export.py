"""From a checkpoint to what is committed: weights, figures, and the reliability picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from earmark_classifiers.audioset.classifier import VERSION, WEIGHTS, read_labels
from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.audioset.training.corpus import (
    Corpus,
    open_corpus,
    read_challenge_labels,
)
from earmark_classifiers.audioset.training.distil import CHECKPOINT
from earmark_classifiers.audioset.training.judge import (
    judge,
    open_network,
    validation_windows,
)
from earmark_classifiers.audioset.training.names import name_truth, read_names, said_labels
from earmark_classifiers.audioset.training.probe import (
    ProbeFigures,
    embed_clips,
    frequent_classes,
    probe,
)
from earmark_classifiers.audioset.training.reliability import (
    ReliabilityBin,
    expected_error,
    reliability,
)
from earmark_classifiers.calibration import Calibration, fit_calibration
from earmark_classifiers.networks.mobilenet import fuse_batch_norms, unfold_batch_norms
from earmark_classifiers.networks.onnx_graph import share_weights, to_onnx
from earmark_classifiers.scores import pool_owned

Floats = npt.NDArray[np.float32]

CONSIDERED = -5.0
"""Logits above this take part in the calibration: scores of more than 0.7 %."""

CHALLENGE_NAMES = {
    "Gunshot_or_gunfire": "Gunshot, gunfire",
    "Burping_or_eructation": "Burping, eructation",
    "Violin_or_fiddle": "Violin, fiddle",
}
"""Challenge labels that differ from AudioSet's display names by more than underscores."""


def export(corpus_folder: Path, ontology: Path, out: Path) -> None:
    """Calibrate and judge the last checkpoint; write weights, graph, figures and picture.

    Parameters
    ----------
    corpus_folder : Path
        With ``labels41.csv`` and what `open_corpus` needs.
    ontology : Path
        AudioSet's ``ontology.json``.
    out : Path
        Folder with checkpoint and cache. Weights go there too, under the name they ship with;
        what the model card shows goes to ``figures`` in it.
    """
    state = torch.load(out / CHECKPOINT, weights_only=True)
    network = fuse_batch_norms(AudioSetNetwork())
    network.load_state_dict(state["average"])
    corpus = open_corpus(corpus_folder, out)
    windows, owners = validation_windows(corpus)
    logits, _ = open_network(network)(windows)
    names = read_names(corpus_folder)
    truth = name_truth(names, read_labels(), ontology)[corpus.is_val]
    calibration = _fit(logits, owners, truth)
    challenge = read_challenge_labels(corpus_folder)
    figures = _figures(logits, owners, corpus, calibration, truth, challenge)
    figures["probes"] = _probes(network, corpus, names, challenge)
    figures["epochs"] = state["epoch"]
    figures["parameters"] = sum(p.numel() for p in AudioSetNetwork().parameters())
    metadata = {
        "classifier": f"audioset@{VERSION}",
        "calibration": json.dumps(asdict(calibration)),
        "recipe": json.dumps({**state["recipe"], "epochs_done": state["epoch"]}),
        "licence": "Apache-2.0 AND MIT",
    }
    examples = torch.split(torch.from_numpy(windows[:: len(windows) // 128 + 1]), 16)
    _write(unfold_batch_norms(network, AudioSetNetwork(), examples), out / WEIGHTS.name, metadata)
    (out / "figures").mkdir(exist_ok=True)
    text = json.dumps(figures, indent=2, default=asdict) + "\n"
    (out / "figures" / "audioset-figures.json").write_text(text)
    _draw(figures, out / "figures" / "audioset-reliability.png")


def _write(network: AudioSetNetwork, weights: Path, metadata: dict[str, str]) -> None:
    """Write the weights, and the graph that computes with them beside them."""
    save_file(network.state_dict(), weights, metadata)
    write_graph(weights)


def write_graph(weights: Path) -> None:
    """Write the ONNX graph of a weights file beside it, under the same name."""
    network = AudioSetNetwork()
    network.load_state_dict(load_file(weights))
    weights.with_suffix(".onnx").write_bytes(share_weights(to_onnx(network.eval()), weights))


def _probes(
    network: AudioSetNetwork,
    corpus: Corpus,
    names: list[str],
    challenge: dict[str, tuple[str, str]],
) -> dict[str, ProbeFigures]:
    """Probe the embedding on the challenge classes, and on names that say one label."""
    said = said_labels(names, read_labels())
    sets = {
        "challenge": {
            row: challenge[clip][0] for row, clip in enumerate(corpus.clip_ids) if clip in challenge
        },
        "names": {
            int(row): read_labels()[said[row].argmax()].name
            for row in np.flatnonzero(said.sum(axis=1) == 1)
        },
    }
    sets = {name: frequent_classes(classes) for name, classes in sets.items()}
    clips = np.array(sorted(set().union(*sets.values())))
    engine = open_network(network)
    described = embed_clips(corpus, clips, lambda windows: engine(windows)[1])
    embeddings = dict(zip(clips.tolist(), described, strict=True))
    return {
        name: probe(
            np.stack([embeddings[clip] for clip in classes]),
            np.array(list(classes.values())),
            corpus.is_val[list(classes)],
        )
        for name, classes in sets.items()
    }


def _fit(
    logits: Floats, owners: npt.NDArray[np.int64], truth: npt.NDArray[np.bool_]
) -> Calibration:
    """Calibrate on clips whose name tells a label, by the labels their names bear out.

    Only clips of one window count, because there window and clip have the same truth, and only
    labels the network considers at all: the others are decided and would outweigh the rest.
    """
    usable = (np.bincount(owners)[owners] == 1) & truth[owners].any(axis=1)
    considered = logits[usable] > CONSIDERED
    return fit_calibration(logits[usable][considered], truth[owners[usable]][considered])


def _figures(
    logits: Floats,
    owners: npt.NDArray[np.int64],
    corpus: Corpus,
    calibration: Calibration,
    names: npt.NDArray[np.bool_],
    challenge: dict[str, tuple[str, str]],
) -> dict[str, Any]:
    teacher = corpus.teacher[corpus.is_val]
    scores = pool_owned(calibration(logits), owners)
    teacher_scores = (1 / (1 + np.exp(-teacher))).astype(np.float32)
    ids = [clip for clip, val in zip(corpus.clip_ids, corpus.is_val, strict=True) if val]
    columns, truth = _challenge_truth(ids, challenge)
    labelled = truth.any(axis=1)
    named = names.any(axis=1)
    by_names = _cross_fitted(logits, owners, names)
    return {
        "agreement": asdict(judge(scores, teacher)),
        "calibration": asdict(calibration),
        "expected_calibration_error": expected_error(by_names),
        "named_clips": int(named.sum()),
        "reliability": {
            "names": by_names,
            "teacher": reliability(teacher_scores[named], names[named].astype(np.float32)),
        },
        "challenge_top1": {
            "clips": int(labelled.sum()),
            "classes": len(columns),
            "student": _top1(scores[labelled][:, columns], truth[labelled]),
            "teacher": _top1(teacher_scores[labelled][:, columns], truth[labelled]),
        },
    }


def _cross_fitted(
    logits: Floats, owners: npt.NDArray[np.int64], names: npt.NDArray[np.bool_]
) -> list[ReliabilityBin]:
    """Judge each half of the clips with the calibration fitted on the other half."""
    scores = np.zeros(names.shape, np.float32)
    for half in (0, 1):
        inside = owners % 2 == half
        other = names.copy()
        other[half::2] = False  # a clip without a named label is not fitted on
        calibration = _fit(logits, owners, other)
        scores[half::2] = pool_owned(calibration(logits[inside]), owners[inside])
    named = names.any(axis=1)
    return reliability(scores[named], names[named].astype(np.float32))


def _challenge_truth(
    ids: list[str], challenge: dict[str, tuple[str, str]]
) -> tuple[list[int], Floats]:
    """Find the class each name tells: AudioSet columns and truth ``[clips, classes]``."""
    index = {label.name.casefold(): i for i, label in enumerate(read_labels())}
    column = {}
    for name in sorted({label for label, _ in challenge.values()}):
        display = CHALLENGE_NAMES.get(name, name.replace("_", " ")).casefold()
        if display in index:  # Oboe is a challenge class that AudioSet's 527 do not have
            column[name] = index[display]
    names = list(column)
    truth = np.zeros((len(ids), len(names)), np.float32)
    for row, clip in enumerate(ids):
        label = challenge.get(clip, ("", ""))[0]
        if label in column:
            truth[row, names.index(label)] = 1
    return [column[name] for name in names], truth


def _top1(scores: Floats, truth: Floats) -> float:
    return float((scores.argmax(axis=1) == truth.argmax(axis=1)).mean())


def _draw(figures: dict[str, Any], path: Path) -> None:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 5.5), dpi=110)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="perfect")
    for key, label in (
        ("names", "audioset, calibrated on the other half of the clips"),
        ("teacher", "its teacher, not calibrated"),
    ):
        bins = figures["reliability"][key]
        axes.plot([b.score for b in bins], [b.truth for b in bins], marker="o", label=label)
    axes.set(xlabel="score", ylabel="share that the file names bear out")
    axes.set(title="Reliability on the validation split", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)
