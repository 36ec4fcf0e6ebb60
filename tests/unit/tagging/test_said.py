"""What stands in a file and its path, read as words."""

import pytest

from earmark.tagging.knowledge import Evidence, load_ontology, words_of_path

ONTOLOGY = load_ontology()


@pytest.mark.parametrize(
    ("path", "file", "folders"),
    [
        ("Animals/Dogs/BigDog_bark 03.wav", ["Big", "Dog", "bark"], ["Animals", "Dogs"]),
        ("Track 18.wav", [], []),
        ("DOORWood_Creaky Gate_ABC_Lib1.wav", ["Creaky", "Gate"], []),
        ("FX-GLASS_SMASH-02 (stereo).flac", ["FX", "GLASS", "SMASH"], []),
        ("Türen/Tür_zu.wav", ["Tür", "zu"], ["Türen"]),
        ("雷鳴/雷鳴1.wav", ["雷鳴"], ["雷鳴"]),
        (r"caf\xe9 door.wav", ["caf", "door"], []),
    ],
)
def test_words_of_names(path, file, folders):
    assert [list(words) for words in words_of_path(path)] == [file, folders]


def test_labels_are_found_in_names_the_longest_first_and_in_the_plural():
    words = Evidence(file_words=("Acoustic", "guitar", "dogs", "cat")).words
    named = {ONTOLOGY.get(label).name: word for label, word in words.label_ids.items()}
    assert named == {"Acoustic guitar": "Acoustic guitar", "Dog": "dogs", "Cat": "cat"}


def test_a_keyword_names_a_label_only_as_a_whole():
    words = Evidence(keywords=("dog house", "Cat")).words
    assert [ONTOLOGY.get(label).name for label in words.label_ids] == ["Cat"]
    assert words.spelling == {"dog house": "dog house", "cat": "Cat"}


def test_evidence_survives_the_way_through_json_and_empty_parts_take_no_space():
    evidence = Evidence(keywords=("a", "b"), category="DOORS", file_words=("x",))
    assert evidence.as_dict() == {"keywords": ["a", "b"], "category": "DOORS", "file_words": ["x"]}
    assert Evidence.from_dict(evidence.as_dict()) == evidence
    assert Evidence().as_dict() == {}


def test_all_words_are_told_once():
    evidence = Evidence(keywords=("Dog",), category="ANIMALS", file_words=("dog", "park"))
    assert evidence.all_words == ("Dog", "ANIMALS", "park")
