"""How tags are judged by names, and that the README says what was measured."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
sys.path.append(str(REPOSITORY / "bench"))

from word_search import (  # noqa: E402
    Term,
    count_hits,
    judge_tags,
    labels_said,
    name_words,
    stems,
)

from earmark.tagging.knowledge import load_ontology  # noqa: E402

TABLE = re.compile(r"^\| what a search looks at \|.*\n(?:\|.*\n)+", re.MULTILINE)


def term(name: str) -> Term:
    node = load_ontology().find(name)
    assert node is not None, name
    return Term(node.tag, node.id)


def tags_said(name: str) -> set[str]:
    nodes = (load_ontology().get(label_id) for label_id in labels_said(name))
    return {node.tag for node in nodes if node}


def test_plural_and_ing_are_the_same_word():
    assert stems("Dogs Barking, bunnies") == {"dog", "bark", "bunny"}


def test_a_name_says_the_labels_whose_words_it_holds():
    assert tags_said("kitchen small dogs barking") == {"Dog", "Bark"}
    assert tags_said("step on sand") == set()


def test_piano_beside_an_instrument_is_how_it_is_played():
    assert "piano" not in name_words("oboe gs piano normal")
    assert "piano" in name_words("piano chord")


def test_a_tag_is_right_for_its_kinds_and_what_it_is_a_kind_of():
    names = ["dog", "dog", "dog", "xyz"]
    terms = [[term("Bark")], [term("Animal"), term("Dog")], [term("Rain")], [term("Rain")]]
    quality = judge_tags(names, terms)
    assert (quality.precision, quality.recall) == (pytest.approx(3 / 4), pytest.approx(1 / 3))
    assert quality.per_file == pytest.approx(5 / 4)


def test_searches_count_words_found_and_what_else_they_bring_up():
    hits = count_hits(["dog kitchen", "rain"], [[term("Dog")], [term("Dog")]])
    assert (hits.searches, hits.found) == (3, 1)
    assert (hits.sounds, hits.sounds_found) == (2, 1)
    assert hits.precision == pytest.approx(1 / 2)


def test_the_readme_shows_the_table_that_was_measured_last():
    measured = TABLE.findall((REPOSITORY / "bench/results/tags.md").read_text("utf-8"))
    shown = TABLE.findall((REPOSITORY / "README.md").read_text("utf-8"))
    assert shown == measured[:1]
