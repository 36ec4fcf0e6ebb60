"""The model card says what the figures say, and the weights are those the figures are of."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open

from earmark_classifiers.audioset.classifier import VERSION, WEIGHTS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "models"
CARD = (DOCS / "audioset.md").read_text("utf-8")
FIGURES = json.loads((DOCS / "audioset-figures.json").read_text("utf-8"))


def test_the_card_has_the_figures() -> None:
    agreement, challenge = FIGURES["agreement"], FIGURES["challenge_top1"]
    for value in (
        agreement["top1_in_top3"],
        agreement["mean_average_precision"],
        challenge["student"],
        challenge["teacher"],
        FIGURES["expected_calibration_error"],
        *(figures["accuracy"] for figures in FIGURES["probes"].values()),
    ):
        assert f"| {value:.3f} |" in CARD
    assert CARD.startswith(f"# audioset@{VERSION}\n")
    for row in FIGURES["reliability"]["names"]:
        assert f"| {row['score']:.2f} | {row['truth']:.2f} | {row['pairs']} |" in CARD


def test_the_figures_are_of_the_bundled_weights() -> None:
    assert WEIGHTS.stat().st_size < 15_000_000
    with safe_open(WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
        parameters = sum(
            file.get_tensor(name).numel()
            for name in file.keys()  # noqa: SIM118 - not a mapping
            if "running_" not in name and "num_batches" not in name
        )
    assert json.loads(metadata["calibration"]) == FIGURES["calibration"]
    assert json.loads(metadata["recipe"])["epochs_done"] == FIGURES["epochs"]
    assert parameters == FIGURES["parameters"]


def test_0_25_means_what_the_readme_says() -> None:
    near = min(FIGURES["reliability"]["names"], key=lambda row: abs(row["score"] - 0.25))
    assert 0.2 <= near["truth"] <= 0.4
