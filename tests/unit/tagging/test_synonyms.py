"""Synonyms come from the checked senses of a label and from nothing else."""

import json
import re
import zipfile
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from earmark.tagging.knowledge import derive_tags, load_ontology
from earmark.tagging.knowledge.lexicon import Sense, WordNetLexicon, find_wordnet
from earmark.tagging.knowledge.ontology import fold_name
from earmark.tagging.knowledge.synonyms import (
    MOST_SYNONYMS,
    SynonymBook,
    load_choices,
    load_synonyms,
    load_unfit_words,
    names_within,
    only_sound_sense,
    select_words,
)
from earmark_plugin_api import Label, Prediction

CHOICES = load_choices()


def words(book, word):
    return [synonym.text for synonym in book.expand(word)]


@pytest.mark.parametrize(
    ("word", "expected", "never"),
    [
        ("Bark", ["bow-wow"], "barque skin tanbark"),
        ("Bow-wow", ["bark"], "pooch doggie barker"),
        ("Pig", ["hog"], "cop copper bull fuzz slob grunter Sus"),
        ("Jet", ["jet plane", "jet-propelled plane"], "ketamine K coal squirt green"),
        ("Ring", ["ringing", "tintinnabulation"], "gang mob doughnut halo band pack hoop"),
        ("Crow", [], "Corvus brag bragging gloat triumph"),
        ("Crane", [], "Grus stretch"),
        ("Toot", ["honk", "claxon"], "carouse bender booze-up"),
        ("Boom", ["roaring"], "bonanza windfall microphone gravy din thunder"),
        ("Gong", ["tam-tam"], "bell chime"),
        ("Fly", ["housefly", "house fly"], "tent-fly aviate pilot wing flee Musca"),
        ("Tick", ["ticking"], "check retick mattress beat"),
        ("Hammer", ["hammering", "pounding"], "malleus mallet cock forge"),
        ("Bass", [], "sea freshwater basso deep"),
    ],
)
def test_the_words_that_went_wrong_for_others(book, word, expected, never):
    found = words(book, word)
    assert found == expected
    assert not {part for text in found for part in text.split()} & set(never.split())


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Fly, housefly", ["house fly"]),
        ("Screaming", ["scream", "shriek", "shrieking", "screech", "screeching"]),
        ("Car", ["auto", "automobile", "motorcar"]),
        ("Fart", ["farting", "flatus", "breaking wind"]),
        ("Chicken, rooster", []),
        ("Double_bass", ["bass fiddle", "bass viol", "bull fiddle", "contrabass", "string bass"]),
        ("Footsteps", ["footfall", "step", "walk", "walking"]),
        ("pistol", ["handgun", "side arm", "shooting iron"]),
    ],
)
def test_labels_and_free_words_of_every_kind(book, label, expected):
    assert words(book, label) == expected


def test_spelling_is_readable_and_hyphens_stay(book):
    everything = [s.text for c in CHOICES for s in book.synonyms_of(Label(c.id, c.label))]
    assert not [text for text in everything if "_" in text]
    assert "tam-tam" in everything
    assert words(book, "clip-clop") == ["clippety-clop", "clop", "clopping"]


def test_every_row_names_synsets_that_exist_and_has_a_reason_where_there_are_none(lexicon):
    for choice in CHOICES:
        senses = [lexicon.sense(name) for name in choice.synsets]
        lemmas = {lemma.lower() for sense in senses for lemma in sense.lemmas}
        assert choice.unfit <= lemmas, f"{choice.label}: unfit words these synsets do not have"
        assert bool(choice.synsets) is not bool(choice.note), choice.label


def test_every_rows_words_are_fit_to_be_written(book):
    for choice in CHOICES:
        found = book.synonyms_of(Label(choice.id, choice.label))
        texts = [synonym.text for synonym in found]
        folded = [fold_name(text) for text in texts]
        assert len(found) <= MOST_SYNONYMS, choice.label
        assert len(set(folded)) == len(folded), choice.label
        assert fold_name(choice.label) not in folded, choice.label
        assert not {text.lower() for text in texts} & load_unfit_words(), choice.label
        assert not [text for text in texts if re.search(r"[,;_]", text)], choice.label
        assert {synonym.synset for synonym in found} <= set(choice.synsets), choice.label


def test_the_order_is_always_the_same(book, lexicon):
    labels = [Label(choice.id, choice.label) for choice in CHOICES]
    again = SynonymBook(lexicon)
    expected = {label.id: book.synonyms_of(label) for label in labels}
    assert {label.id: again.synonyms_of(label) for label in reversed(labels)} == expected


def test_the_table_covers_both_vocabularies_completely():
    audioset = [choice for choice in CHOICES if choice.vocabulary == "audioset"]
    assert [(c.id, c.label) for c in audioset] == [(n.id, n.name) for n in load_ontology().labels]
    challenge = [choice for choice in CHOICES if choice.vocabulary == "challenge41"]
    assert len({choice.label for choice in challenge}) == 41
    assert {"Glockenspiel", "Oboe", "Burping_or_eructation"} <= {c.label for c in challenge}


def test_most_sound_effects_have_synonyms(book):
    with_words = sum(bool(book.synonyms_of(Label(c.id, c.label))) for c in CHOICES[:527])
    assert with_words >= 240


def test_zoologists_latin_is_not_written(book):
    assert words(book, "Horse") == []
    assert "Felis catus" not in words(book, "Cat")


def sense(name, category, definition="a thing", lemmas=("word",)):
    return Sense(name, category, definition, tuple(lemmas))


def test_a_free_word_with_one_sense_that_can_be_heard_is_certain():
    drum = sense("drum.n.01", "noun.artifact")
    tribe = sense("drum.n.02", "noun.group")
    assert only_sound_sense([drum, tribe]) == drum


@pytest.mark.parametrize(
    "senses",
    [
        [],
        [sense("a.n.01", "noun.artifact"), sense("b.n.01", "noun.animal")],
        [sense("a.n.01", "noun.person"), sense("b.n.01", "noun.animal")],
        [sense("a.n.01", "noun.event"), sense("b.n.01", "noun.communication")],
        [sense("a.n.01", "noun.artifact"), sense("b.v.01", "verb.contact", "make a dull sound")],
        [sense("a.n.01", "noun.artifact", "(baseball) a hit")],
        [sense("a.n.01", "noun.artifact", "street names for a drug")],
        [sense("a.n.01", "noun.substance")],
    ],
)
def test_a_free_word_is_left_alone_where_its_sense_is_unsure(senses):
    assert only_sound_sense(senses) is None


def test_a_free_words_synonyms_are_only_words_that_mainly_mean_it(book):
    # WordNet: blade, brand and steel are "sword" too.
    assert words(book, "sword") == []


def test_unknown_words_and_nonsense_have_no_synonyms(book):
    for word in ("", "  ", "xyzzy", "_", "a/b", "müll", "🐕", "x" * 5000):
        assert book.expand(word) == ()


def test_select_words_keeps_order_drops_the_labels_own_names_and_stops_at_five():
    source = sense("x.n.01", "noun.event", lemmas=["Pets", "a_b", "A-B", *"cdefgh"])
    chosen = select_words([source], frozenset({"c"}), names_within("Domestic animals, pets"))
    assert [synonym.text for synonym in chosen] == ["a b", "d", "e", "f", "g"]


def test_tags_carry_the_path_through_the_synset(book):
    pig = load_ontology().find("Pig")
    tags = derive_tags(
        [Prediction(Label(pig.id, pig.name), 0.83)], classifier="audioset@1.0.0", synonyms=book
    )
    assert [tag.path for tag in tags] == [
        "Pig <- audioset@1.0.0 0.83",
        "hog <- hog.n.03 <- Pig <- audioset@1.0.0 0.83",
    ]


def test_a_users_own_label_is_expanded_like_a_free_word(book):
    own = Label("studio:7", "Blizzard")
    assert [s.text for s in book.synonyms_of(own)] == ["snowstorm"]


@pytest.fixture
def no_wordnet(monkeypatch, tmp_path):
    monkeypatch.setattr("earmark.tagging.knowledge.lexicon.nltk_folders", list)
    return tmp_path


def test_without_wordnet_there_are_no_synonyms_and_nothing_fails(no_wordnet):
    assert find_wordnet(no_wordnet) is None
    assert load_synonyms(no_wordnet) is None


def test_an_unreadable_wordnet_is_no_wordnet(no_wordnet, lexicon):
    corpora = no_wordnet / "nltk_data" / "corpora"
    corpora.mkdir(parents=True)
    (corpora / "wordnet.zip").write_bytes(b"not a zip file")
    assert find_wordnet(no_wordnet) is None
    (corpora / "wordnet").mkdir()
    for name in ("data.noun", "lexnames", "index.sense"):
        (corpora / "wordnet" / name).write_text("WordNet 2.1 Copyright 2005")
    assert find_wordnet(no_wordnet) is None


def test_a_wordnet_that_breaks_while_reading_is_said_once(no_wordnet, caplog):
    corpus = no_wordnet / "nltk_data" / "corpora" / "wordnet"
    corpus.mkdir(parents=True)
    for name in ("data.noun", "lexnames", "index.sense"):
        (corpus / name).write_text("WordNet 3.0 Copyright 2006")
    broken = load_synonyms(no_wordnet)
    assert broken is not None
    assert broken.expand("Pig") == ()
    assert broken.expand("Cat") == ()
    said = [record for record in caplog.records if "synonyms_unavailable" in str(record.msg)]
    assert len(said) == 1


def test_nltks_own_zip_file_serves_as_well(no_wordnet, wordnet_folder):
    corpora = no_wordnet / "nltk_data" / "corpora"
    corpora.mkdir(parents=True)
    source = wordnet_folder / "corpora" / "wordnet"
    with zipfile.ZipFile(corpora / "wordnet.zip", "w") as archive:
        for path in source.iterdir():
            archive.write(path, f"wordnet/{path.name}")
    assert find_wordnet(no_wordnet) == no_wordnet / "nltk_data"
    zipped = WordNetLexicon(no_wordnet / "nltk_data")
    assert zipped.sense("hog.n.03").lemmas[0] == "hog"


def test_a_synset_that_does_not_exist_is_a_key_error(lexicon):
    for name in ("hog.n.99", "nonsense", "xyzzy.n.01"):
        with pytest.raises(KeyError):
            lexicon.sense(name)


def test_the_command_prints_one_json_object(settings, wordnet_folder):
    settings.DATA_DIR = wordnet_folder.parent
    out = StringIO()
    call_command("synonyms", "Pig", "Bark", "Crane", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"Pig": ["hog"], "Bark": ["bow-wow"], "Crane": []}
    out = StringIO()
    call_command("synonyms", "Pig", "Crane", stdout=out)
    assert out.getvalue() == "Pig: hog\nCrane: (none)\n"


def test_the_command_answers_without_wordnet_too(settings, no_wordnet):
    settings.DATA_DIR = no_wordnet
    out = StringIO()
    call_command("synonyms", "Pig", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"Pig": []}


def test_the_set_up_command_says_what_to_do_when_it_cannot(settings, no_wordnet, monkeypatch):
    settings.DATA_DIR = no_wordnet
    monkeypatch.setenv("PATH", str(no_wordnet))  # no apt-get
    monkeypatch.setattr("nltk.download", lambda *args, **kwargs: False)
    monkeypatch.setattr("earmark.tagging.knowledge.wordnet_setup.INSTALLED", no_wordnet / "none")
    with pytest.raises(CommandError, match="apt-get install wordnet-base"):
        call_command("setup_wordnet")


def test_the_version_names_wordnet_and_the_tables(book):
    assert book.version.startswith("wordnet-3.0-")
    assert len(book.version) == len("wordnet-3.0-") + 8
