"""What people decided about words comes before all rules, and only where they decided."""

from __future__ import annotations

import pytest

from earmark.tagging.knowledge import (
    NOTHING_DECIDED,
    DerivedTag,
    Rule,
    Saying,
    TagPolicy,
    Why,
    WordChange,
    decide,
    derive_tags,
)
from earmark.tagging.knowledge.thesaurus import Entry, Thesaurus
from earmark.tagging.knowledge.ucs import categorize
from earmark_plugin_api import Label, Prediction

BARK, HOWL, DOG, RAIN = (
    Label("/m/05tny_", "Bark"),
    Label("/m/07qf0zm", "Howl"),
    Label("/m/0bt9lr", "Dog"),
    Label("/m/06mb1", "Rain"),
)


def change(by: str = "anna", **words: tuple[str, ...]) -> WordChange:
    return WordChange(Saying(by, "2026-11-20T12:00:00+00:00"), **words)


def derive(
    *changes: WordChange,
    heard: dict[Label, float] | None = None,
    policy: TagPolicy | None = None,
    thesaurus: Thesaurus | None = None,
) -> list[DerivedTag]:
    predictions = [Prediction(label, score) for label, score in (heard or {BARK: 0.8}).items()]
    more = {"thesaurus": thesaurus} if thesaurus else {}
    return derive_tags(predictions, policy, classifier="a@1", decided=decide(changes), **more)


def accepted(tags: list[DerivedTag]) -> list[str]:
    return [tag.name for tag in tags if tag.decision == "accept"]


def test_the_label_behind_these_tests_brings_a_word():
    assert accepted(derive()) == ["Bark", "Dog"]


def test_a_removed_label_takes_the_words_it_brought_along():
    tags = derive(change(remove=("bark",)))
    assert accepted(tags) == []
    assert [(tag.name, tag.why.rule) for tag in tags] == [("Bark", Rule.REJECTED)]


def test_a_removed_word_leaves_the_label():
    assert accepted(derive(change(remove=("dog",)))) == ["Bark"]


def test_what_was_heard_too_takes_the_place_of_a_removed_label():
    heard = {BARK: 0.8, DOG: 0.7}
    assert accepted(derive(heard=heard)) == ["Bark", "Dog"]
    tags = derive(change(remove=("Bark",)), heard=heard)
    assert accepted(tags) == ["Dog"]


def test_a_removed_parent_stands_in_for_nobody():
    heard = {BARK: 0.3, HOWL: 0.29}
    assert "Dog" in accepted(derive(heard=heard))
    assert "Dog" not in accepted(derive(change(remove=("Dog",)), heard=heard))


def test_an_added_label_is_as_sure_as_can_be_and_brings_its_words():
    tags = derive(change(add=("bark",)), heard={BARK: 0.11})
    assert accepted(tags) == ["bark", "Dog"]
    assert {tag.confidence for tag in tags} == {1.0}
    assert tags[0].why.votes[0].score == 0.11


def test_a_word_that_would_only_accompany_a_label_is_a_persons_if_they_say_it():
    tags = derive(change(add=("DOG",)))
    assert [(tag.name, tag.origin.value) for tag in tags] == [
        ("DOG", "person"),
        ("Bark", "classifier"),
    ]


def test_rules_touch_nothing_a_person_said():
    strict = TagPolicy.from_values(
        TagPolicy().values | {"denied": ["Rain"], "max_labels": 1, "max_words": 1}
    )
    forbidding = Thesaurus([Entry("Gate", forbidden=("Creak",))])
    tags = derive(
        change(add=("Rain", "Creak", "Dog")),
        heard={BARK: 0.9, RAIN: 0.1},
        policy=strict,
        thesaurus=forbidding,
    )
    assert {"Rain", "Creak", "Dog"} == set(accepted(tags))


def test_nothing_is_added_to_what_replaces_all_words():
    tags = derive(change(add=("Wind",)), change(replace=("Bark",)), change(add=("Night",)))
    assert accepted(tags) == ["Night", "Bark"]
    assert derive(change(replace=()))[0].why.rule == Rule.REPLACED


def test_the_last_word_counts_and_withdrawing_leaves_it_to_the_rules():
    assert accepted(derive(change(remove=("Bark",)), change("ben", add=("Bark",))))[0] == "Bark"
    back = decide([change(add=("Rain",), remove=("Bark",)), change(withdraw=("rain", "bark"))])
    assert back is NOTHING_DECIDED


def test_a_persons_word_counts_for_the_category():
    told = categorize(derive(change(add=("Rain",))))
    assert told is not None
    assert told.catid == "RAINGeneral" or told.catid.startswith("RAIN")


@pytest.mark.parametrize("comment", ["", "not a dog"])
def test_a_reason_survives_json(comment: str):
    why = Why(Rule.REJECTED, (), (), person=Saying("anna", "2026-11-20", comment, 3))
    assert Why.from_dict(why.as_dict()) == why
    assert why.path("Bark") == ("Bark", f"anna on 2026-11-20{': ' if comment else ''}{comment}")
