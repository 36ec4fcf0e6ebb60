"""From scores to tags: every rule, and the reason each tag carries."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.tagging.knowledge import (
    Combine,
    Decision,
    InvalidPolicyError,
    Origin,
    Parents,
    Rule,
    Synonym,
    TagPolicy,
    Why,
    derive_tags,
    load_ontology,
    search_terms,
)
from earmark.tagging.knowledge.ontology import fold_name
from earmark_plugin_api import Label, Prediction

AUDIOSET = "audioset@1.0.0"
ONTOLOGY = load_ontology()


def heard(**scores: float) -> list[Prediction]:
    """AudioSet predictions by label name; underscores stand for spaces."""
    found = [(ONTOLOGY.find(name), score) for name, score in scores.items()]
    return [Prediction(Label(node.id, node.name), score) for node, score in found]


class Book:
    """Synonyms from a dictionary, so that the rules are tested without WordNet."""

    def __init__(self, **words: list[str]) -> None:
        self.words = words

    def synonyms_of(self, label: Label) -> list[Synonym]:
        return [Synonym(word, "test.n.01") for word in self.words.get(label.name, [])]


def names(tags, decision=Decision.ACCEPT):
    return [tag.name for tag in tags if tag.decision is decision]


def by_name(tags, name):
    return next(tag for tag in tags if tag.name == name)


def test_a_score_of_exactly_the_threshold_is_accepted_and_one_below_waits_for_review():
    tags = derive_tags(heard(Dog=0.25, Siren=0.2499, Goat=0.10, Owl=0.0999), classifier=AUDIOSET)
    assert names(tags) == ["Dog"]
    assert names(tags, Decision.REVIEW) == ["Siren", "Goat"]
    assert "Owl" not in [tag.name for tag in tags]


def test_tags_come_surest_first():
    assert names(derive_tags(heard(Rain=0.3, Siren=0.9, Dog=0.5), classifier=AUDIOSET)) == [
        "Siren",
        "Dog",
        "Rain",
    ]


def test_a_parent_is_dropped_where_a_child_is_accepted_even_if_it_scored_higher():
    predictions = heard(Animal=0.95, Dog=0.8, Bark=0.4)
    tags = derive_tags(predictions, TagPolicy(parents=Parents.NONE), classifier=AUDIOSET)
    assert names(tags) == ["Bark"]
    assert by_name(tags, "Dog").why.rule is Rule.PARENT
    assert names(tags, Decision.DROP) == ["Animal", "Dog"]


def test_a_parent_stays_where_the_child_only_waits_for_review():
    tags = derive_tags(heard(Dog=0.8, Bark=0.2), classifier=AUDIOSET)
    assert names(tags) == ["Dog"]
    assert names(tags, Decision.REVIEW) == ["Bark"]


def test_dropped_parents_stay_search_terms_and_abstract_groups_do_not():
    tags = derive_tags(heard(Animal=0.95, Dog=0.8, Bark=0.4), classifier=AUDIOSET)
    terms = search_terms(tags)
    assert {"Bark", "Dog", "Domestic animals", "Pets", "Animal"} <= set(terms)
    assert search_terms(derive_tags(heard(Shout=0.9), classifier=AUDIOSET)) == ["Shout"]


def test_a_blacklisted_label_is_never_accepted_without_a_person():
    tags = derive_tags(heard(Clatter=0.99), classifier=AUDIOSET)
    assert names(tags) == []
    assert by_name(tags, "Clatter").decision is Decision.REVIEW
    assert by_name(tags, "Clatter").why.rule is Rule.BLACKLISTED


def test_a_blacklisted_child_does_not_take_its_parent_away():
    tags = derive_tags(heard(Engine=0.9, **{"Engine knocking": 0.8}), classifier=AUDIOSET)
    assert names(tags) == ["Engine"]
    assert names(tags, Decision.REVIEW) == ["Engine knocking"]


def test_an_abstract_label_is_never_written():
    tags = derive_tags(heard(**{"Human sounds": 0.99}), classifier=AUDIOSET)
    assert names(tags) == []
    assert tags[0].why.rule is Rule.ABSTRACT


def test_silence_is_no_tag_of_a_file_that_sounds():
    tags = derive_tags(heard(Silence=0.6, Dog=0.3), classifier=AUDIOSET)
    assert names(tags) == ["Dog"]
    assert by_name(tags, "Silence").why.rule is Rule.SILENCE


def test_silence_alone_is_a_tag():
    assert names(derive_tags(heard(Silence=0.6, Dog=0.2), classifier=AUDIOSET)) == ["Silence"]


def test_the_labels_own_other_names_are_written_beside_it():
    tags = derive_tags(heard(**{"Vehicle horn, car horn, honking": 0.5}), classifier=AUDIOSET)
    assert names(tags) == ["Vehicle horn", "Car horn", "Honking"]
    assert all(tag.origin is Origin.CLASSIFIER for tag in tags)
    assert by_name(tags, "Honking").why.rule is Rule.OTHER_NAME


def test_synonyms_follow_their_label_with_its_confidence_and_their_path():
    tags = derive_tags(heard(Pig=0.83), classifier=AUDIOSET, synonyms=Book(Pig=["hog"]))
    assert [(tag.name, tag.origin, tag.confidence) for tag in tags] == [
        ("Pig", Origin.CLASSIFIER, 0.83),
        ("hog", Origin.SYNONYM, 0.83),
    ]
    assert tags[1].path == "hog <- test.n.01 <- Pig <- audioset@1.0.0 0.83"
    assert (tags[1].label, tags[1].label_id) == ("Pig", ONTOLOGY.find("Pig").id)


def test_labels_that_are_not_accepted_bring_no_synonyms():
    tags = derive_tags(heard(Pig=0.2), classifier=AUDIOSET, synonyms=Book(Pig=["hog"]))
    assert [tag.name for tag in tags] == ["Pig"]


def test_a_synonym_that_waits_for_review_as_a_label_is_left_to_the_reviewer():
    book = Book(Dog=["bang", "thud"])
    tags = derive_tags(heard(Dog=0.5, Bang=0.2), classifier=AUDIOSET, synonyms=book)
    assert names(tags) == ["Dog", "thud"]


def test_two_labels_with_the_same_synonym_write_it_once():
    book = Book(Dog=["beast"], Frog=["Beast", "dog"])
    tags = derive_tags(heard(Dog=0.6, Frog=0.5), classifier=AUDIOSET, synonyms=book)
    assert names(tags) == ["Dog", "beast", "Frog"]


def test_the_policy_limits_synonyms_and_labels():
    policy = TagPolicy(max_labels=1, synonyms_per_label=2)
    book = Book(Dog=["a", "b", "c"])
    predictions = heard(Dog=0.9, Animal=0.95, Owl=0.5)
    tags = derive_tags(predictions, policy, classifier=AUDIOSET, synonyms=book)
    assert names(tags) == ["Dog", "a", "b"]
    assert by_name(tags, "Owl").why.rule is Rule.LIMIT


def test_denied_words_are_written_neither_as_label_nor_as_synonym():
    policy = TagPolicy(denied=frozenset({"HOG", "Bee or wasp", "/m/0bt9lr"}))
    predictions = heard(Pig=0.9, Dog=0.8, **{"Bee, wasp, etc.": 0.7})
    book = Book(Pig=["hog", "swine"])
    tags = derive_tags(predictions, policy, classifier=AUDIOSET, synonyms=book)
    assert names(tags) == ["Pig", "swine"]
    assert by_name(tags, "Bee or wasp").why.rule is Rule.DENIED


def test_an_allow_list_keeps_everything_else_out():
    policy = TagPolicy(allowed=frozenset({"Dog", "bee or wasp"}))
    predictions = heard(Dog=0.9, Owl=0.9, **{"Bee, wasp, etc.": 0.9})
    assert set(names(derive_tags(predictions, policy, classifier=AUDIOSET))) == {
        "Dog",
        "Bee or wasp",
    }


def test_a_single_label_can_have_its_own_threshold():
    policy = TagPolicy(label_thresholds={"Dog": 0.8, "/m/09d5_": 0.05})
    tags = derive_tags(heard(Dog=0.79, Owl=0.06), policy, classifier=AUDIOSET)
    assert names(tags) == ["Owl", "Bird"]
    assert by_name(tags, "Owl").why.rule is Rule.LABEL_THRESHOLD
    assert names(tags, Decision.REVIEW) == ["Dog"]


def test_labels_of_a_users_own_classifier_need_no_ontology():
    predictions = [
        Prediction(Label("studio:1", "creaky_gate"), 0.7),
        Prediction(Label("studio:2", "Silence"), 0.4),
        Prediction(Label("studio:3", "stage door"), 0.15),
    ]
    tags = derive_tags(predictions, classifier="studio@0.1.0")
    assert names(tags) == ["creaky gate"]
    assert names(tags, Decision.REVIEW) == ["stage door"]
    assert tags[0].path == "creaky gate <- creaky_gate <- studio@0.1.0 0.70"


def test_no_predictions_give_no_tags():
    assert derive_tags([], classifier=AUDIOSET) == []


def test_the_reason_can_be_stored_as_json():
    tag = derive_tags(heard(Dog=0.5), classifier=AUDIOSET)[0]
    stored = json.loads(json.dumps(tag.why.as_dict()))
    assert stored == {"rule": "threshold", "via": [], "votes": [[AUDIOSET, 0.5, None, None]]}
    assert Why.from_dict(stored) == tag.why


def test_equal_policies_share_a_version_and_every_change_gives_another():
    base = TagPolicy()
    assert base.version == TagPolicy().version
    others = [
        TagPolicy(accept=0.3),
        TagPolicy(review=0.05),
        TagPolicy(denied=frozenset({"Dog"})),
        TagPolicy(allowed=frozenset({"Dog"})),
        TagPolicy(label_thresholds={"Dog": 0.5}),
        TagPolicy(max_labels=3),
        TagPolicy(max_words=3),
        TagPolicy(sure=0.6),
        TagPolicy(combine=Combine.MEAN),
        TagPolicy(tie_margin=0.0),
        TagPolicy(parents=Parents.NONE),
        TagPolicy(languages=("de",)),
        TagPolicy(search_hypernyms=True),
        TagPolicy(synonyms_per_label=0),
    ]
    assert len({base.version, *(policy.version for policy in others)}) == len(others) + 1


def test_another_threshold_takes_its_neighbours_with_it_where_they_are_in_the_way():
    assert TagPolicy.with_threshold(0.05).review == 0.05
    assert TagPolicy.with_threshold(0.4).review == TagPolicy().review
    assert TagPolicy.with_threshold(0.4).sure == TagPolicy().sure
    assert TagPolicy.with_threshold(0.7).sure == 0.7


def test_a_policy_survives_the_way_through_json():
    policy = TagPolicy(
        label_thresholds={"Dog": 0.5},
        denied=frozenset({"Hog"}),
        allowed=frozenset({"Dog", "Pig"}),
        max_words=7,
        combine=Combine.CASCADE,
        parents=Parents.NONE,
        languages=("de", "pt-BR"),
    )
    assert TagPolicy.from_values(json.loads(json.dumps(policy.values))) == policy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"treshold": 0.3}, "there is no setting 'treshold'"),
        ({"accept": "high"}, "a number is needed"),
        ({"accept": True}, "a number is needed"),
        ({"max_labels": 1.5}, "a whole number is needed"),
        ({"denied": "Dog"}, "a list of words is needed"),
        ({"combine": "vote"}, "is not a valid Combine"),
        ({"label_thresholds": ["Dog"]}, "label_thresholds cannot be"),
        ({"search_hypernyms": 1}, "true or false is needed"),
    ],
)
def test_values_that_are_no_policy_are_refused_by_name(values, words):
    with pytest.raises(InvalidPolicyError, match=words):
        TagPolicy.from_values(values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"accept": 1.1},
        {"review": 0.5},
        {"label_thresholds": {"Dog": -0.1}},
        {"max_labels": -1},
        {"synonyms_per_label": -1},
        {"max_words": -1},
        {"sure": 0.2},
        {"languages": ("German",)},
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(InvalidPolicyError) as error:
        TagPolicy(**wrong)
    assert error.value.code == "invalid_tag_policy"


scored_labels = st.dictionaries(
    st.sampled_from(ONTOLOGY.labels), st.floats(min_value=0, max_value=1), max_size=30
)


@given(scored_labels, st.floats(min_value=0, max_value=1))
def test_whatever_was_heard_the_accepted_labels_obey_the_rules(scores, threshold):
    predictions = [Prediction(Label(node.id, node.name), score) for node, score in scores.items()]
    tags = derive_tags(predictions, TagPolicy.with_threshold(threshold), classifier=AUDIOSET)
    accepted = {tag.label_id for tag in tags if tag.decision is Decision.ACCEPT}
    folded = [fold_name(tag.name) for tag in tags]
    assert len(set(folded)) == len(folded), "no name twice"
    accepted_tags = [tag for tag in tags if tag.decision is Decision.ACCEPT]
    assert all(tag.confidence >= threshold for tag in accepted_tags)
    assert not any(ONTOLOGY.is_blacklisted(label) for label in accepted)
    for label in accepted:
        assert not ONTOLOGY.ancestors(label) & accepted
    passed = {
        node.id
        for node, score in scores.items()
        if score >= threshold and not ONTOLOGY.is_blacklisted(node.id)
    }
    assert accepted or not passed, "something heard is never lost altogether"


@given(scored_labels, st.randoms())
def test_the_order_of_predictions_does_not_matter(scores, random):
    predictions = [Prediction(Label(node.id, node.name), score) for node, score in scores.items()]
    shuffled = list(predictions)
    random.shuffle(shuffled)
    assert derive_tags(predictions, classifier=AUDIOSET) == derive_tags(
        shuffled, classifier=AUDIOSET
    )
