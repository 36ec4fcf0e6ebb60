"""Several classifiers, one score for each label."""

import pytest

from earmark.tagging.knowledge import (
    Combine,
    Deriver,
    TagPolicy,
    UncalibratedError,
    load_ontology,
    voice_of,
)
from earmark.tagging.knowledge.opinions import candidates_of
from earmark.tagging.knowledge.synonyms import load_choices
from earmark_plugin_api import Label

ONTOLOGY = load_ontology()


def labels(*names):
    return [Label(node.id, node.name) for node in map(ONTOLOGY.find, names)]


BIG = voice_of("big@1", labels("Dog", "Cat", "Bark"), calibrated=True)
SMALL = voice_of("small@2", labels("Bark", "Dog"), calibrated=True)
RAW = voice_of("raw@1", labels("Dog"))


def scores(opinions, combine, **more):
    policy = TagPolicy(combine=combine, **more)
    return {one.label.name: round(one.score, 4) for one in candidates_of(opinions, policy)}


def test_the_highest_score_counts():
    opinions = [(BIG, [[0, 0.3, None, None]]), (SMALL, [[1, 0.5, 1.0, 2.0]])]
    assert scores(opinions, Combine.MAX) == {"Dog": 0.5}


def test_the_mean_is_over_all_who_know_the_label_and_silence_is_a_score_of_zero():
    opinions = [(BIG, [[0, 0.6, 0, 1], [1, 0.6, 0, 1], [2, 0.6, 0, 1]]), (SMALL, [[1, 0.2, 0, 1]])]
    assert scores(opinions, Combine.MEAN) == {"Dog": 0.4, "Cat": 0.6, "Bark": 0.3}


def test_the_mean_of_scores_that_do_not_mean_the_same_is_refused():
    policy = TagPolicy(combine=Combine.MEAN)
    with pytest.raises(UncalibratedError, match="raw@1"):
        Deriver(policy, voices=[BIG, RAW])
    Deriver(policy, voices=[RAW])


def test_two_have_to_agree_and_what_only_one_knows_it_decides_alone():
    opinions = [
        (BIG, [[0, 0.9, 0, 1], [1, 0.8, 0, 1]]),
        (SMALL, [[1, 0.3, 0, 1]]),
        (RAW, [[0, 0.2, 0, 1]]),
    ]
    assert scores(opinions, Combine.AGREEMENT) == {"Cat": 0.8, "Dog": 0.3}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0.6, 0.0, {"Dog": 0.6}), (0.3, 0.9, {"Dog": 0.9}), (0.3, 0.05, {}), (0.05, 0.9, {})],
    ids=["sure", "unsure and confirmed", "unsure and denied", "sure that not"],
)
def test_in_a_cascade_the_second_is_heard_only_where_the_first_is_unsure(first, second, expected):
    opinions = [(BIG, [[0, first, 0, 1]]), (SMALL, [[1, second, 0, 1]])]
    assert scores(opinions, Combine.CASCADE) == expected


def test_every_vote_that_counted_is_kept_with_its_seconds():
    opinions = [(BIG, [[0, 0.3, 0.0, 1.0]]), (SMALL, [[1, 0.5, 2.0, 3.0]])]
    tags = Deriver(TagPolicy(), voices=[BIG, SMALL]).derive_packed([rows for _, rows in opinions])
    assert tags[0].path == "Dog <- big@1 0.30 at 0.0-1.0 s + small@2 0.50 at 2.0-3.0 s"
    assert tags[0].why.best.classifier == "small@2"


def test_a_classifier_without_a_result_has_no_vote():
    deriver = Deriver(TagPolicy(combine=Combine.MEAN), voices=[BIG, SMALL])
    tags = deriver.derive_packed([[[0, 0.6, 0, 1]], None])
    assert (tags[0].name, tags[0].confidence) == ("Dog", 0.6)


def test_the_41_challenge_labels_join_audiosets():
    challenge = [Label(c.label, c.label) for c in load_choices() if c.vocabulary == "challenge41"]
    voice = voice_of("cnn@1", challenge)
    assert len(voice.labels) == 41
    assert all(ONTOLOGY.get(label.id) for label in voice.labels)
    by_name = {own.name: joined.name for own, joined in zip(challenge, voice.labels, strict=True)}
    assert by_name["Violin_or_fiddle"] == "Violin, fiddle"
    assert by_name["Gunshot_or_gunfire"] == "Gunshot, gunfire"
    opinions = [(BIG, [[2, 0.4, 0, 1]]), (voice, [[2, 0.9, 0, 1]])]
    assert scores(opinions, Combine.AGREEMENT) == {"Bark": 0.4}


def test_a_users_own_classes_stand_alone_whatever_they_are_called():
    own = voice_of("studio@1", [Label("Bark", "Bark"), Label("stage door", "stage door")])
    assert [label.id for label in own.labels] == ["Bark", "stage door"]
    opinions = [(BIG, [[2, 0.9, 0, 1]]), (own, [[0, 0.3, 0, 1]])]
    found = candidates_of(opinions, TagPolicy(combine=Combine.AGREEMENT))
    assert [(one.label.id, one.score) for one in found] == [
        (ONTOLOGY.find("Bark").id, 0.9),
        ("Bark", 0.3),
    ]
