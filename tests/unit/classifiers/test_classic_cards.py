"""The model cards of the classic classifiers say what was measured, and their commands run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earmark_classifiers.tabular.bundle import BUNDLED
from earmark_classifiers.tabular.card import figures_as_markdown
from earmark_classifiers.trained import read_trained
from earmark_classifiers.training.cards import with_figures

DOCS = Path(__file__).resolve().parents[3] / "docs" / "models"


@pytest.mark.parametrize("backend", sorted(BUNDLED))
def test_a_card_has_the_figures_of_the_classifier_that_ships(backend: str) -> None:
    card = (DOCS / f"{backend}.md").read_text("utf-8")
    figures = read_trained(BUNDLED[backend]).training["figures"]
    assert with_figures(card, figures_as_markdown(figures)) == card
    assert f"| first label is right | {figures['accuracy']:.3f} |" in card


@pytest.mark.parametrize("backend", sorted(BUNDLED))
def test_every_class_of_the_card_is_a_label(backend: str) -> None:
    trained = read_trained(BUNDLED[backend])
    assert set(trained.training["figures"]["classes"]) == {
        label.name for label in trained.manifest.labels
    }
    text = figures_as_markdown(trained.training["figures"])
    assert len(re.findall(r"^\| .* \| \d+ \| [\d.–]+ \| [\d.]+ \|$", text, re.MULTILINE)) == 39


def test_a_card_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        with_figures("# A card\n", "figures")
