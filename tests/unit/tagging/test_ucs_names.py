"""Names after UCS: right ones stay, a person's words stay, and no two files get one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.tagging.knowledge.ucs import load_ucs, parse_ucs_name
from earmark.tagging.knowledge.ucs_names import (
    LONGEST_BYTES,
    NameParts,
    check_name,
    clean_block,
    fold_file_name,
    propose_name,
    unique_name,
)

DOG = NameParts("ANMLDog", creator="JD", source="KENNEL", tags=("Bark", "Howl", "Yip", "Growling"))
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
short_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Track 18.wav", "ANMLDog_Bark Howl Yip_JD_KENNEL.wav"),
        ("ZOOM0003_LR.WAV", "ANMLDog_Bark Howl Yip_JD_KENNEL.WAV"),
        ("007.flac", "ANMLDog_Bark Howl Yip_JD_KENNEL.flac"),
        ("Terrier_in-yard 2.wav", "ANMLDog_Terrier in yard 2_JD_KENNEL.wav"),
        ("Köter bellt.wav", "ANMLDog_Köter bellt_JD_KENNEL.wav"),
        ("ANMLDog_Old Rex_AB_SHOW_take 4.wav", "ANMLDog_Old Rex_AB_SHOW_take 4.wav"),
        ("ANMLDog-INT_Kennels-Old Rex_AB.wav", "ANMLDog-INT_Kennels-Old Rex_AB_KENNEL.wav"),
        ("ANMLDog_Old Rex.wav", "ANMLDog_Old Rex_JD_KENNEL.wav"),
        ("anmldog_old rex.wav", "ANMLDog_old rex_JD_KENNEL.wav"),
        ("ANMLDog.wav", "ANMLDog_Bark Howl Yip_JD_KENNEL.wav"),
        ('What? "Rex" <1>:2.wav', "ANMLDog_What Rex 1 2_JD_KENNEL.wav"),
        ("K\udcf6ter bellt.wav", "ANMLDog_K\udcf6ter bellt_JD_KENNEL.wav"),
        ("ANMLDog_Rex_\udcf6_.wav", "ANMLDog_Rex_\udcf6_KENNEL.wav"),
    ],
)
def test_a_proposed_name_keeps_what_a_person_wrote(name: str, proposed: str):
    assert propose_name(name, DOG) == proposed


def test_without_tags_the_description_speaks_then_the_name_then_the_subcategory():
    told = NameParts("ANMLDog", "JD", "KENNEL", description="A dog barks, far away. Windy.")
    assert propose_name("Track 1.wav", told) == "ANMLDog_A dog barks_JD_KENNEL.wav"
    bare = NameParts("ANMLDog", "JD", "KENNEL")
    assert propose_name("Track 1.wav", bare) == "ANMLDog_Track 1_JD_KENNEL.wav"
    assert propose_name("_.wav", bare) == "ANMLDog_Dog_JD_KENNEL.wav"


@given(names, st.sampled_from(sorted(load_ucs())), short_names, short_names)
def test_whatever_a_file_is_called_the_proposed_name_is_right_and_stays(
    name: str, catid: str, creator: str, source: str
):
    parsed = parse_ucs_name(f"{name}.wav")
    right = parsed.catid if parsed else catid
    parts = NameParts(right, clean_block(creator) or "C", clean_block(source) or "S")
    proposed = propose_name(f"{name[:40]}.wav", parts)
    assert check_name(proposed) == []
    assert propose_name(proposed, parts) == proposed
    assert proposed.endswith(".wav")


@given(st.text(min_size=200, max_size=400, alphabet="äbc 深い"))
def test_a_long_title_is_cut_between_characters(title: str):
    proposed = propose_name(f"{title}.wav", NameParts("ANMLDog", "JD", "KENNEL", tags=("Bark",)))
    assert len(proposed.encode()) <= LONGEST_BYTES
    assert check_name(proposed) == []


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ANMLDog_Rex_JD_KENNEL.wav", []),
        ("RAIN.wav", ["too_few_blocks"]),
        ("anmldog_Rex_JD_KENNEL.wav", ["catid_case"]),
        ("Track 18.wav", ["no_catid"]),
        ("ANMLDog_Rex.wav", ["block_missing", "block_missing"]),
        ("ANMLDog__JD_KENNEL.wav", ["block_missing"]),
        ("ANMLDog_Rex?_JD_KENNEL.wav", ["forbidden_character"]),
        ("ANMLDog_Rex _JD_KENNEL.wav", ["space_around_block"]),
        (f"ANMLDog_{'x' * 250}_JD_KENNEL.wav", ["too_long"]),
    ],
)
def test_what_is_wrong_with_a_name_is_told(name: str, codes: list[str]):
    assert [problem.code for problem in check_name(name)] == codes


def test_equal_names_get_numbers_whatever_their_case_or_composition():
    taken = {fold_file_name("anmldog_BELLÓ_jd_kennel.WAV")}
    name = "ANMLDog_Bello\u0301_JD_KENNEL.wav"
    second = unique_name(name, taken)
    assert second == "ANMLDog_Bello\u0301 02_JD_KENNEL.wav"
    assert unique_name(name, {*taken, fold_file_name(second)}).startswith("ANMLDog_Bello\u0301 03_")


def test_a_number_that_a_person_wrote_stays_before_that_of_a_taken_name():
    name = "ANMLDog_Take 18_JD_KENNEL.wav"
    assert unique_name(name, {fold_file_name(name)}) == "ANMLDog_Take 18 02_JD_KENNEL.wav"
