"""Who wins when a place is taken: a person's or vendor's value, except where the policy says so."""

from __future__ import annotations

import pytest

from earmark_files.metadata import InvalidTagError, Mode, Policy, Provenance, TagSet
from earmark_files.metadata.bext import encode_description, fold_to_ascii
from earmark_files.metadata.document import Slot
from earmark_files.metadata.merge import Decision, decide, edit_keywords
from earmark_files.metadata.ucs_name import parse_ucs_name

SLOTS = (
    Slot("a/KEYWORDS", "keywords"),
    Slot("b/KEYWORDS", "keywords"),
    Slot("a/CATEGORY", "category"),
    Slot("b/CATEGORY", "category"),
    Slot("a/SUB", "subcategory"),
    Slot("a/DESCRIPTION", "description"),
    Slot("b/COMMENT", "description", defining=False),
    Slot("a/EARMARK", "provenance"),
)
WANTED = TagSet(
    keywords=("dog", "bark"),
    category="ANIMALS",
    subcategory="DOG",
    description="A dog",
    authors=("audioset@1.0.0",),
)


class File:
    """A file reduced to its slots."""

    def __init__(self, **values: str) -> None:
        self.values = {name.replace("_", "/"): text for name, text in values.items()}

    def write(self, wanted: TagSet = WANTED, policy: Policy | None = None) -> Decision:
        decision = decide(SLOTS, self.values, wanted, policy or Policy())
        told = {**self.values, **decision.changes}
        self.values = {name: text for name, text in told.items() if text}
        return decision

    def withdraw(self) -> None:
        self.write(TagSet(), Policy.replace_own())


def test_filling_gaps_writes_every_container_of_an_empty_file() -> None:
    file = File()
    file.write()
    assert file.values["a/KEYWORDS"] == file.values["b/KEYWORDS"] == "dog, bark"
    assert file.values["b/CATEGORY"] == "ANIMALS"


@pytest.mark.parametrize("policy", [Policy(), Policy.merge_keywords(), Policy.replace_own()])
def test_a_vendors_category_keeps_the_whole_group_out(policy: Policy) -> None:
    file = File(b_CATEGORY="FOLEY")
    decision = file.write(policy=policy)
    assert "a/CATEGORY" not in file.values
    assert "a/SUB" not in file.values
    assert {s.reason for s in decision.skips} == {"taken"}


def test_a_vendors_category_that_agrees_does_not_stand_in_the_way() -> None:
    file = File(a_CATEGORY="ANIMALS")
    file.write()
    assert (file.values["b/CATEGORY"], file.values["a/SUB"]) == ("ANIMALS", "DOG")
    file.withdraw()
    assert file.values == {"a/CATEGORY": "ANIMALS"}


def test_a_comment_says_too_little_to_take_the_description() -> None:
    file = File(b_COMMENT="made with an encoder")
    file.write()
    assert file.values["a/DESCRIPTION"] == "A dog"
    assert file.values["b/COMMENT"] == "made with an encoder"


def test_own_values_are_replaced_and_a_persons_edit_wins() -> None:
    file = File()
    file.write()
    file.values["a/CATEGORY"] = "WOLVES"
    file.write(TagSet(category="MUSIC", authors=("x@2",)), Policy.replace_own())
    assert file.values["a/CATEGORY"] == "WOLVES"
    assert "b/CATEGORY" not in file.values
    assert "a/DESCRIPTION" not in file.values


def test_filling_gaps_does_not_replace_own_values() -> None:
    file = File()
    file.write()
    file.write(TagSet(category="MUSIC", keywords=("piano",)))
    assert (file.values["a/CATEGORY"], file.values["a/KEYWORDS"]) == ("ANIMALS", "dog, bark")


def test_merging_keeps_own_and_foreign_keywords() -> None:
    file = File(a_KEYWORDS="kennel; Dog")
    file.write(policy=Policy.merge_keywords())
    assert file.values["a/KEYWORDS"] == "kennel; Dog, bark"
    file.write(TagSet(keywords=("wolf",)), Policy.merge_keywords())
    assert file.values["a/KEYWORDS"] == "kennel; Dog, bark, wolf"
    file.withdraw()
    assert file.values == {"a/KEYWORDS": "kennel; Dog"}


def test_a_keyword_a_person_removed_comes_back_only_when_it_is_wanted() -> None:
    file = File()
    file.write()
    file.values["a/KEYWORDS"] = "dog"
    file.write(TagSet(keywords=("dog",)), Policy.replace_own())
    assert file.values["a/KEYWORDS"] == "dog"


def test_replace_overwrites_a_vendor_and_then_owns_the_value() -> None:
    file = File(a_CATEGORY="FOLEY", a_KEYWORDS="kennel", b_COMMENT="x")
    file.write(policy=Policy(default=Mode.REPLACE))
    assert file.values["a/CATEGORY"] == "ANIMALS"
    assert file.values["b/COMMENT"] == "A dog"
    file.withdraw()
    assert file.values == {}


def test_keep_touches_nothing_and_modes_are_per_field() -> None:
    file = File()
    file.write(policy=Policy(default=Mode.KEEP, fields={"description": Mode.FILL}))
    assert set(file.values) == {"a/DESCRIPTION", "b/COMMENT", "a/EARMARK"}


def test_somebody_elses_earmark_text_is_left_alone() -> None:
    file = File(a_EARMARK="see the ear mark on the tape")
    decision = file.write()
    assert file.values["a/EARMARK"] == "see the ear mark on the tape"
    assert any(s.reason == "unknown_provenance" for s in decision.skips)


def test_every_sequence_of_writes_can_be_withdrawn_to_the_vendors_values() -> None:
    vendor = {"a_KEYWORDS": "kennel, bark", "b_CATEGORY": "ANIMALS", "b_COMMENT": "hello"}
    file = File(**vendor)
    for wanted in (WANTED, TagSet(keywords=("bark", "cat"), category="PETS"), WANTED):
        for policy in (Policy(), Policy.merge_keywords(), Policy.replace_own()):
            file.write(wanted, policy)
    file.withdraw()
    assert file.values == File(**vendor).values


def test_provenance_survives_its_text_form_and_names_authors() -> None:
    own = {"keywords": {"dog": ("a@1", "b@2"), "bark": ("b@2",)}, "category": {"X": ("a@1",)}}
    provenance = Provenance(own, {"a/KEYWORDS": ("dog",)})
    assert Provenance.from_text(provenance.to_text()) == provenance
    assert provenance.authors() == ("a@1", "b@2")
    assert Provenance().to_text() == ""


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"v":2}', '{"v":1,"by":[],"own":{"a":{"b":[9]}}}']
)
def test_other_texts_are_no_provenance(text: str) -> None:
    assert Provenance.from_text(text) is None


@pytest.mark.parametrize(
    ("text", "remove", "add", "result"),
    [
        ("a, b;c", {"b"}, [], "a;c"),
        ("a, b", {"a"}, [], "b"),
        ("a, b", {"a", "b"}, ["c"], "c"),
        ("a,,b", set(), ["B", "c"], "a,,b, c"),
        ("", set(), ["x", "y"], "x, y"),
        ("two  words , x", {"two words"}, [], "x"),
    ],
)
def test_keyword_texts_keep_their_own_separators(
    text: str, remove: set[str], add: list[str], result: str
) -> None:
    assert edit_keywords(text, remove, add) == result


@pytest.mark.parametrize("word", ["a,b", "a;b", "bell\x07", "\ud800"])
def test_keywords_that_would_be_read_differently_are_refused(word: str) -> None:
    with pytest.raises(InvalidTagError):
        TagSet(keywords=(word,))


def test_tag_sets_are_tidied() -> None:
    tags = TagSet(keywords=(" Dog ", "dog", "", "big  dog"), category="A", subcategory="B")
    assert tags.keywords == ("Dog", "big dog")
    assert tags.category_full == "A-B"
    assert tags.get("genre") == "A"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Größe – “Æther”", 'Grosse - "AEther"'),
        ("naïve café", "naive cafe"),
        ("犬", ""),
        ("犬 dog barks", "dog barks"),
        ("a\x07b", "ab"),
    ],
)
def test_bext_is_folded_to_ascii_without_question_marks(text: str, folded: str) -> None:
    assert fold_to_ascii(text) == folded


def test_bext_is_cut_at_a_word() -> None:
    text = encode_description("word " * 100)
    assert len(text) <= 256
    assert text.endswith("word")
    assert encode_description("x" * 300) == "x" * 256


@pytest.mark.parametrize(
    ("name", "catid", "fx_name"),
    [
        ("DOORWood_Door slam_ABC_LIB.wav", "DOORWood", "Door slam"),
        ("DOORWood-USER_VEND-Door slam_ABC_LIB_take_2.wav", "DOORWood", "Door slam"),
        ("AMBForst_Birds_JD_NONE.flac", "AMBForst", "Birds"),
    ],
)
def test_ucs_file_names_are_read(name: str, catid: str, fx_name: str) -> None:
    found = parse_ucs_name(name)
    assert found is not None
    assert (found.catid, found.fx_name) == (catid, fx_name)


@pytest.mark.parametrize(
    "name", ["Track 18.wav", "DOOR_a_b_c.wav", "Door_a_b_c.wav", "DOORWood.wav"]
)
def test_other_file_names_are_not(name: str) -> None:
    assert parse_ucs_name(name) is None


def test_known_catids_decide_where_they_are_given() -> None:
    assert parse_ucs_name("DOORWood_Slam.wav", {"DOORWood"}) is not None
    assert parse_ucs_name("DOORWodd_Slam_A_B.wav", {"DOORWood"}) is None
