"""The UCS list is whole, every label is decided, and names are read as the system means them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.tagging.knowledge import TagPolicy, derive_tags, load_ontology
from earmark.tagging.knowledge.tables import read_table
from earmark.tagging.knowledge.ucs import (
    Relation,
    categorize,
    category_of,
    catid_from_filename,
    load_ucs,
    parse_ucs_name,
)
from earmark_plugin_api import Label, Prediction

UCS = load_ucs()
ONTOLOGY = load_ontology()


def tags_of(**scores):
    nodes = [(ONTOLOGY.find(name), score) for name, score in scores.items()]
    predictions = [Prediction(Label(node.id, node.name), score) for node, score in nodes]
    return derive_tags(predictions, classifier="audioset@1.0.0")


def test_the_list_is_complete():
    assert len(UCS) == 753
    assert len({line.category for line in UCS.values()}) == 82
    pairs = {(line.category, line.subcategory) for line in UCS.values()}
    assert len(pairs) == 753
    assert (UCS["DOORWood"].category, UCS["DOORWood"].subcategory) == ("DOORS", "WOOD")


def test_known_faults_of_the_published_list_are_mended():
    assert (UCS["AIRBlow"].category, UCS["AIRBlow"].subcategory) == ("AIR", "BLOW")
    assert "bark" in UCS["ANMLDog"].words


def test_every_line_is_sound():
    lines = UCS.values()
    assert not [line for line in lines if not (line.catid.isascii() and line.catid.isalnum())]
    assert not [line for line in lines if line.category != line.category.upper().strip()]
    assert not [line for line in lines if not line.explanation.strip()]
    assert not [
        line for line in lines if not all(word.strip() == word != "" for word in line.words)
    ]


def test_every_label_of_both_vocabularies_is_decided_once():
    rows = read_table("label_ucs.csv")
    audioset = [(row["id"], row["label"]) for row in rows if row["vocabulary"] == "audioset"]
    assert audioset == [(node.id, node.name) for node in ONTOLOGY.labels]
    challenge = [row["label"] for row in rows if row["vocabulary"] == "challenge41"]
    assert len(set(challenge)) == len(challenge) == 41
    assert len(rows) == 527 + 41


def test_every_decision_names_a_catid_of_the_list_or_none():
    rows = read_table("label_ucs.csv")
    assert not [row for row in rows if (row["catid"] in UCS) is (row["relation"] == "none")]
    assert not [row for row in rows if bool(row["catid"]) is (row["relation"] == "none")]
    assert {row["relation"] for row in rows} == {str(relation) for relation in Relation}


def test_not_fitting_another_category_never_means_exactly_what_a_label_means():
    rows = read_table("label_ucs.csv")
    assert not [r for r in rows if r["catid"].endswith("Misc") and r["relation"] == "exact"]


@pytest.mark.parametrize(
    ("label", "catid", "relation"),
    [
        ("Dog", "ANMLDog", Relation.EXACT),
        ("Bark", "ANMLDog", Relation.BROAD),
        ("Thunder", "THUN", Relation.EXACT),
        ("Toilet flush", "WATRPlmb", Relation.BROAD),
        ("Jackhammer", "TOOLPneu", Relation.BROAD),
        ("Reversing beeps", "BEEPVeh", Relation.EXACT),
        ("Walk, footsteps", "FEETHmn", Relation.EXACT),
        ("Shatter", "GLASBrk", Relation.NARROW),
        ("Squeak", "", Relation.NONE),
        ("Silence", "", Relation.NONE),
        ("Double_bass", "MUSCStr", Relation.BROAD),
    ],
)
def test_decisions_an_editor_would_make(label, catid, relation):
    node = ONTOLOGY.find(label)
    decided = category_of(Label(node.id if node else label, label))
    assert (decided.catid, decided.relation) == (catid, relation)


def test_a_label_nobody_decided_about_has_no_category():
    assert category_of(Label("studio:1", "Creaky gate")) is None


@pytest.mark.parametrize(
    ("name", "catid"),
    [
        ("DOORWood_Creaky Cellar Door_ABC_HouseLib.wav", "DOORWood"),
        ("DOORWood-Old_VEND-Creaky Door_ABC_HouseLib_take 2.wav", "DOORWood"),
        ("ANMLDog_Barking dog 2 (ID 2954)_BSB.wav", "ANMLDog"),
        ("GUNAuto.wav", "GUNAuto"),
        ("AIRBlow_Hose_ABC_Lib.aiff", "AIRBlow"),
        ("RAIN_Heavy Downpour_ABC_Storms.wav", "RAIN"),
        ("DOORWood_v1.2 final.bwf", "DOORWood"),
        ("RAIN_01.wav", None),
        ("TEST.wav", None),
        ("MIX_final_v2.wav", None),
        ("rain_heavy_abc_storms.wav", None),
        ("doorwood_creak_abc_lib.wav", None),
        ("DOORWoodCreak_ABC.wav", None),
        ("My DOORWood_Creak_ABC_Lib.wav", None),
        ("Track 18.wav", None),
        ("_DOORWood_x_y.wav", None),
        ("", None),
        (".wav", None),
        ("\udcff\udcfe.wav", None),
    ],
)
def test_a_catid_at_the_head_of_a_file_name_is_found(name, catid):
    assert catid_from_filename(name) == catid


def test_a_full_name_is_taken_apart():
    parsed = parse_ucs_name("DOORWood-Old_VEND-Creaky Door_ABC_HouseLib_take 2_x.wav")
    assert parsed.catid == "DOORWood"
    assert parsed.user_category == "Old"
    assert parsed.vendor_category == "VEND"
    assert parsed.fx_name == "Creaky Door"
    assert parsed.creator_id == "ABC"
    assert parsed.source_id == "HouseLib"
    assert parsed.user_data == "take 2_x"


block = st.text(alphabet=st.characters(blacklist_characters="_-.", min_codepoint=32), min_size=1)


@given(st.sampled_from(sorted(UCS)), block, block, block)
def test_every_well_formed_name_gives_its_blocks_back(catid, name, creator, source):
    parsed = parse_ucs_name(f"{catid}_{name}_{creator}_{source}.wav")
    assert (parsed.catid, parsed.fx_name) == (catid, name)
    assert (parsed.creator_id, parsed.source_id) == (creator, source)


@given(st.text())
def test_no_name_is_too_strange(name):
    assert catid_from_filename(name) in {None, *UCS}


def test_the_surest_label_decides_and_others_are_runners_up():
    chosen = categorize(tags_of(Dog=0.8, Rain=0.5, Squeak=0.9))
    assert (chosen.catid, chosen.category, chosen.subcategory) == ("ANMLDog", "ANIMALS", "DOG")
    assert chosen.confidence == pytest.approx(0.8)
    assert chosen.labels == ("Dog",)
    assert [catid for catid, _ in chosen.runners_up] == ["RAIN"]
    assert not chosen.from_name


def test_labels_that_agree_support_each_other():
    chosen = categorize(tags_of(Bark=0.5, Yip=0.5, Rain=0.6))
    assert chosen.catid == "ANMLDog"
    assert chosen.confidence == pytest.approx(1 - 0.55 * 0.55)
    assert set(chosen.labels) == {"Bark", "Yip"}


def test_a_loose_fit_is_less_sure_than_a_close_one():
    assert categorize(tags_of(Shatter=0.6, Thunder=0.5)).catid == "THUN"


def test_the_catid_in_the_file_name_wins():
    chosen = categorize(tags_of(Dog=0.9), "DOORWood_Dog at Door_ABC_Lib.wav")
    assert (chosen.catid, chosen.confidence, chosen.from_name) == ("DOORWood", 1.0, True)
    assert chosen.runners_up[0][0] == "ANMLDog"
    assert categorize([], "DOORWood_Creak.wav").catid == "DOORWood"


def test_without_evidence_there_is_no_category():
    assert categorize([]) is None
    assert categorize(tags_of(Squeak=0.9), "Track 18.wav") is None
    assert categorize(tags_of(Dog=0.2), "Track 18.wav") is None, "review is no evidence"


@given(
    st.dictionaries(
        st.sampled_from(ONTOLOGY.labels), st.floats(min_value=0, max_value=1), max_size=9
    )
)
def test_confidence_is_a_confidence_and_falls_along_the_runners_up(scores):
    predictions = [Prediction(Label(node.id, node.name), score) for node, score in scores.items()]
    tags = derive_tags(predictions, TagPolicy.with_threshold(0.0), classifier="audioset@1.0.0")
    chosen = categorize(tags)
    if chosen is not None:
        ranked = [chosen.confidence, *(confidence for _, confidence in chosen.runners_up)]
        assert ranked == sorted(ranked, reverse=True)
        assert all(0.0 <= confidence <= 1.0 for confidence in ranked)
        assert chosen.catid not in [catid for catid, _ in chosen.runners_up]
