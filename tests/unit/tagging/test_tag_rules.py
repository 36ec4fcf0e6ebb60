"""Which labels become tags where the ontology, a person or the studio has a word in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.tagging.knowledge import (
    Combine,
    Decision,
    Deriver,
    Evidence,
    Origin,
    Parents,
    Rule,
    TagPolicy,
    derive_tags,
    facets_of,
    labels_below,
    load_ontology,
    search_terms,
    voice_of,
)
from earmark.tagging.knowledge.ontology import fold_name, parent_words
from earmark.tagging.knowledge.thesaurus import Entry, Thesaurus
from earmark_plugin_api import Label, Prediction

AUDIOSET = "audioset@1.1"
ONTOLOGY = load_ontology()


def heard(**scores: float) -> list[Prediction]:
    """AudioSet predictions by label name; underscores stand for spaces."""
    found = [(ONTOLOGY.find(name), score) for name, score in scores.items()]
    return [Prediction(Label(node.id, node.name), score) for node, score in found]


def derive(policy: TagPolicy | None = None, said: Evidence | None = None, **scores: float):
    words = {"said": said.words} if said else {}
    return derive_tags(heard(**scores), policy, classifier=AUDIOSET, **words)


def names(tags, decision=Decision.ACCEPT):
    return [tag.name for tag in tags if tag.decision is decision]


def rules(tags):
    return {tag.name: tag.why.rule for tag in tags}


class TestParentWords:
    def test_the_everyday_word_above_a_label_is_written_beside_it(self):
        tags = derive(Bark=0.4)
        assert names(tags) == ["Bark", "Dog"]
        dog = tags[1]
        assert (dog.origin, dog.why.rule) == (Origin.ONTOLOGY, Rule.PARENT_WORD)
        assert dog.path == "Dog <- Bark <- audioset@1.1 0.40"

    def test_the_policy_switches_it_off(self):
        assert names(derive(TagPolicy(parents=Parents.NONE), Bark=0.4)) == ["Bark"]

    def test_groups_nobody_types_are_not_written(self):
        assert names(derive(Dog=0.6, Guitar=0.5)) == ["Dog", "Guitar"]

    def test_a_word_the_label_holds_already_is_not_repeated(self):
        assert names(derive(Acoustic_guitar=0.5)) == ["Acoustic guitar"]

    def test_what_several_things_do_brings_only_those_that_were_heard(self):
        assert names(derive(Hiss=0.5)) == ["Hiss"]
        assert names(derive(Hiss=0.5, Cat=0.15)) == ["Hiss", "Cat"]

    def test_a_denied_or_contradicted_parent_is_not_written(self):
        assert names(derive(TagPolicy(denied=frozenset({"dog"})), Bark=0.4)) == ["Bark"]
        only = TagPolicy(allowed=frozenset({"Bark"}))
        assert names(derive(only, Bark=0.4)) == ["Bark"]

    def test_every_row_of_the_table_names_an_ancestor_that_may_be_written(self):
        rows = [(node, word) for node in ONTOLOGY.nodes for word in parent_words(node.id)]
        assert len(rows) > 100
        for node, word in rows:
            assert word.id in ONTOLOGY.ancestors(node.id), node.name
            assert not ONTOLOGY.is_abstract(word.id)
            assert not ONTOLOGY.is_blacklisted(word.id)
            assert word.word == ONTOLOGY.get(word.id).tag
            assert " or " not in word.word


class TestStandingIn:
    def test_children_that_tie_are_left_to_a_person_and_their_parent_is_written(self):
        tags = derive(Violin=0.31, Cello=0.29)
        assert names(tags) == ["Bowed string instrument"]
        assert names(tags, Decision.REVIEW) == ["Violin", "Cello"]
        assert rules(tags)["Violin"] is Rule.TIED
        assert tags[0].why.rule is Rule.TIED_CHILDREN
        assert tags[0].confidence == 0.31
        assert tags[0].path == (
            "Bowed string instrument <- Violin + Cello <- audioset@1.1 0.31 + audioset@1.1 0.29"
        )

    @pytest.mark.parametrize(
        "scores",
        [
            {"Violin": 0.40, "Cello": 0.29},
            {"Violin": 0.80, "Cello": 0.79},
            {"Violin": 0.52, "Cello": 0.49},
        ],
        ids=["one is ahead", "both are sure", "the first is sure"],
    )
    def test_what_is_clear_is_no_tie(self, scores):
        assert names(derive(**scores)) == ["Violin", "Fiddle", "Cello"]

    def test_a_margin_of_zero_knows_no_ties(self):
        tags = derive(TagPolicy(tie_margin=0.0), Violin=0.3, Cello=0.3)
        assert {"Violin", "Cello"} <= set(names(tags))

    def test_a_parent_that_holds_half_the_ontology_stands_in_for_nobody(self):
        assert names(derive(Music=0.0, Harmonica=0.30, Harp=0.29)) == ["Harmonica", "Harp"]

    def test_an_abstract_parent_stands_in_for_nobody(self):
        for parent in ONTOLOGY.nodes:
            children = [ONTOLOGY.get(one) for one in ONTOLOGY.children(parent.id)][:2]
            if not ONTOLOGY.is_abstract(parent.id) or len(children) < 2:
                continue
            predictions = [Prediction(Label(c.id, c.name), 0.3) for c in children]
            tags = derive_tags(predictions, classifier=AUDIOSET)
            assert parent.tag not in names(tags)

    def test_a_parent_passes_on_the_sum_of_children_that_do_not_if_it_was_heard_itself(self):
        tags = derive(Dog=0.2, Bark=0.2, Howl=0.15)
        assert names(tags) == ["Dog"]
        assert tags[0].why.rule is Rule.UNSURE_CHILDREN
        assert tags[0].confidence == pytest.approx(1 - 0.8 * 0.85)
        assert names(tags, Decision.REVIEW) == ["Bark", "Howl"]
        assert names(derive(Bark=0.2, Howl=0.15)) == []

    def test_a_sum_that_does_not_pass_leaves_all_to_a_person(self):
        tags = derive(Dog=0.1, Bark=0.12, Howl=0.12)
        assert names(tags) == []
        assert set(names(tags, Decision.REVIEW)) == {"Dog", "Bark", "Howl"}

    def test_one_unsure_child_is_no_sum(self):
        assert names(derive(Dog=0.2, Bark=0.24)) == []


class TestFacets:
    def test_a_file_is_found_by_everything_above_its_labels(self):
        terms = search_terms(derive(Bark=0.5))
        assert terms == ["Bark", "Dog", "Animal", "Domestic animals", "Pets"]

    def test_a_facet_holds_everything_below_it(self):
        below = labels_below("dog")
        assert ONTOLOGY.find("Bark").id in below
        assert ONTOLOGY.find("Dog").id in below
        assert ONTOLOGY.find("Meow").id not in below
        assert labels_below("xyzzy") == frozenset()

    def test_facets_come_broadest_first(self):
        assert facets_of(ONTOLOGY.find("Bark").id) == ["Animal", "Domestic animals", "Dog"]

    def test_broader_words_of_the_lexicon_are_searched_only_where_wanted(self, book):
        tags = derive(Dog=0.5)
        assert "domestic animal" not in search_terms(tags)
        assert "domestic animal" in search_terms(tags, hypernyms=book)


class TestPersons:
    def test_a_word_a_person_wrote_is_spelt_as_they_did(self):
        tags = derive(said=Evidence(keywords=("bow wow", "DOG")), **{"Bow-wow": 0.6})
        assert names(tags) == ["bow wow", "DOG"]
        assert all(tag.why.said for tag in tags)
        assert tags[0].path == "bow wow <- Bow-wow <- audioset@1.1 0.60"

    def test_a_sibling_of_what_a_person_named_waits_for_review(self):
        tags = derive(said=Evidence(keywords=("cat",)), Dog=0.6)
        assert names(tags) == []
        assert tags[0].decision is Decision.REVIEW
        assert (tags[0].why.rule, tags[0].why.against) == (Rule.CONTRADICTS, "cat")

    @pytest.mark.parametrize(
        "evidence",
        [
            Evidence(keywords=("dog", "cat")),
            Evidence(keywords=("animal",)),
            Evidence(keywords=("rain",)),
            Evidence(description="not the cat"),
            Evidence(folder_words=("Cats",)),
        ],
        ids=["said too", "broader", "something else", "description", "folder"],
    )
    def test_what_a_person_said_beside_it_is_no_contradiction(self, evidence):
        assert "dog" in [name.casefold() for name in names(derive(said=evidence, Dog=0.6))]

    def test_it_is_no_contradiction_where_the_named_one_was_heard_too(self):
        tags = derive(said=Evidence(keywords=("cat",)), Dog=0.6, Cat=0.2)
        assert names(tags) == ["Dog"]

    def test_what_lies_below_the_named_one_is_no_contradiction(self):
        assert "Bark" in names(derive(said=Evidence(file_words=("Dog", "park")), Bark=0.5))


class TestThesaurus:
    book = Thesaurus(
        [
            Entry("Dog", preferred="Hound", translations={"de": "Hund", "fr": "chien"}),
            Entry("Bow-wow", synonyms=("woof",)),
            Entry("Pig", synonyms=(), forbidden=("hog", "Oink")),
        ]
    )

    def derive(self, policy=None, **scores):
        return derive_tags(heard(**scores), policy, classifier=AUDIOSET, thesaurus=self.book)

    def test_the_preferred_word_is_written_for_the_label_and_as_parent(self):
        assert names(self.derive(Dog=0.5)) == ["Hound"]
        assert names(self.derive(**{"Bow-wow": 0.5})) == ["Bow-wow", "Hound", "woof"]

    def test_its_synonyms_come_before_wordnets(self, book):
        args = {"classifier": AUDIOSET, "synonyms": book, "thesaurus": self.book}
        assert names(derive_tags(heard(Pig=0.5), **args)) == ["Pig"]
        tags = derive_tags(heard(**{"Bow-wow": 0.5}), **args)
        assert names(tags) == ["Bow-wow", "Hound", "woof"]
        assert tags[2].path == "woof <- thesaurus <- Bow-wow <- audioset@1.1 0.50"

    def test_translations_are_written_in_the_languages_of_the_policy(self):
        tags = self.derive(TagPolicy(languages=("fr", "it", "de")), Dog=0.5)
        assert names(tags) == ["Hound", "chien", "Hund"]
        assert tags[1].origin is Origin.TRANSLATION

    def test_a_forbidden_word_is_never_written_and_the_preferred_one_stands_for_it(self):
        assert names(self.derive(Oink=0.5)) == ["Pig"]

    def test_the_version_changes_with_every_entry_and_not_with_their_order(self):
        entries = [Entry("Dog", "Hound"), Entry("Cat", synonyms=())]
        assert Thesaurus(entries).version == Thesaurus(entries[::-1]).version
        changed = [Entry("Dog", "Hound"), Entry("Cat")]
        assert Thesaurus(entries).version != Thesaurus(changed).version
        assert Thesaurus().version == ""


def test_the_limit_of_words_keeps_labels_before_their_words():
    policy = TagPolicy(max_words=3)
    tags = derive(policy, Bark=0.9, Meow=0.8, Siren=0.7)
    assert names(tags) == ["Bark", "Meow", "Siren"]


def test_the_best_second_of_a_label_is_in_its_path():
    bark = ONTOLOGY.find("Bark")
    voice = voice_of("audioset@1.1", [Label(bark.id, bark.name)])
    tags = Deriver(TagPolicy(), voices=[voice]).derive_packed([[[0, 0.83, 2.0, 3.0]]])
    assert tags[0].path == "Bark <- audioset@1.1 0.83 at 2.0-3.0 s"
    assert (tags[0].why.best.start, tags[0].why.best.end) == (2.0, 3.0)


scored_labels = st.dictionaries(
    st.sampled_from(ONTOLOGY.nodes), st.floats(min_value=0, max_value=1), max_size=25
)
policies = st.builds(
    TagPolicy,
    accept=st.sampled_from([0.1, 0.25, 0.5]),
    denied=st.frozensets(st.sampled_from(["Dog", "Speech", "Music", "Bird", "Vehicle"])),
    max_labels=st.none() | st.integers(0, 4),
    max_words=st.none() | st.integers(0, 6),
    tie_margin=st.sampled_from([0.0, 0.05, 0.3]),
    parents=st.sampled_from(Parents),
    combine=st.sampled_from([Combine.MAX, Combine.AGREEMENT, Combine.CASCADE]),
)
evidence = st.builds(
    Evidence,
    keywords=st.lists(st.sampled_from(["dog", "Cat", "rain", "violin"]), unique=True).map(tuple),
)


@given(scored_labels, policies, evidence, st.randoms())
def test_whatever_the_policy_deriving_obeys_it_and_knows_no_order(scores, policy, said, random):
    predictions = [Prediction(Label(node.id, node.name), score) for node, score in scores.items()]
    args = {"classifier": AUDIOSET, "said": said.words}
    tags = derive_tags(predictions, policy, **args)
    random.shuffle(predictions)
    assert derive_tags(predictions, policy, **args) == tags

    accepted = [tag for tag in tags if tag.decision is Decision.ACCEPT]
    denied = {fold_name(name) for name in policy.denied}
    assert not denied & {fold_name(tag.name) for tag in accepted}
    assert not any(ONTOLOGY.is_abstract(tag.label_id) for tag in accepted)
    assert not any(ONTOLOGY.is_blacklisted(tag.label_id) for tag in accepted)
    labels = {tag.label_id for tag in accepted if tag.is_label}
    assert not any(ONTOLOGY.ancestors(label) & labels for label in labels)
    assert policy.max_labels is None or len(labels) <= policy.max_labels
    assert policy.max_words is None or len(accepted) <= policy.max_words
    folded = [fold_name(tag.name) for tag in tags]
    assert len(set(folded)) == len(folded)
