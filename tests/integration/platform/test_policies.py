"""Policies are versioned, thesauri imported whole, and stored scores get new tags by them."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile, Library
from earmark.library.paths import path_key
from earmark.tagging.errors import PolicyNotApplicableError
from earmark.tagging.knowledge import Combine, Evidence, TagPolicy
from earmark.tagging.models import (
    FileEvidence,
    PolicyChange,
    PolicyVersion,
    Tag,
    TagBasis,
    TagSet,
    ThesaurusEntry,
)
from earmark.tagging.rules import Rules, rules_for
from earmark.tagging.selectors import get_policy, get_thesaurus
from earmark.tagging.services import (
    Found,
    derive_file_tags,
    follow_default,
    note_evidence,
    plan_rederivation,
    set_policy,
)
from tests.factories import (
    LABELS,
    AudioFileFactory,
    ClassifierVersionFactory,
    LibraryFactory,
    make_sound,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path, data_dir: Path) -> Library:
    root = str(tmp_path / "sounds")
    return LibraryFactory(name="Foley", root=root, root_key=path_key(root))


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory(name="ear")


def scored(library: Library, classifier: ClassifierVersion, path: str, *scores: float) -> AudioFile:
    """A file with stored scores of speech, dog and bell, each heard in its own second."""
    file = AudioFileFactory(library=library, path=path, audio_hash=f"test:{path}")
    rows = [[at, score, float(at), at + 1.0] for at, score in enumerate(scores)]
    PredictionSet.objects.create(
        classifier=classifier,
        audio_hash=file.audio_hash,
        scores=sorted(rows, key=lambda row: -row[1]),
    )
    return file


def names(file: AudioFile) -> list[str]:
    tags = Tag.objects.accepted().filter(file=file, origin="classifier", why__rule="threshold")
    return sorted(tags.values_list("name", flat=True))


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestVersions:
    def test_the_policy_of_a_library_comes_before_the_default_and_a_threshold_before_both(
        self, library: Library
    ):
        assert get_policy(library=library) == TagPolicy()
        set_policy(policy=TagPolicy.with_threshold(0.5))
        assert get_policy(library=library).accept == 0.5
        set_policy(policy=TagPolicy.with_threshold(0.3), library=library)
        set_policy(policy=TagPolicy.with_threshold(0.6))
        assert get_policy(library=library).accept == 0.3
        assert get_policy(library=library, threshold=0.7).accept == 0.7
        follow_default(library=library)
        assert get_policy(library=library).accept == 0.6

    def test_each_change_is_a_new_row_and_no_change_is_none(self, library: Library):
        first = set_policy(policy=TagPolicy(max_labels=3), library=library, note="less")
        again = set_policy(policy=TagPolicy(max_labels=3), library=library)
        second = set_policy(policy=TagPolicy(max_labels=4), library=library)
        back = set_policy(policy=TagPolicy(max_labels=3), library=library)
        assert again == first
        assert [first.number, second.number, back.number] == [1, 2, 3]
        assert first.policy == back.policy
        assert PolicyVersion.objects.count() == 2

    def test_tags_name_the_policy_they_rest_on_even_one_that_was_never_stored(
        self, library: Library, classifier: ClassifierVersion
    ):
        file = scored(library, classifier, "a.wav", 0.9)
        rules = rules_for(library, [classifier], threshold=0.123)
        derive_file_tags(files=[file], rules=rules)
        basis = TagSet.objects.get(file=file).basis
        assert basis.policy is not None
        assert TagPolicy.from_values(basis.policy.values).accept == 0.123
        assert basis.classifiers == ["ear@1.0.0"]
        assert not PolicyChange.objects.exists()

    def test_a_mean_of_uncalibrated_scores_is_refused_with_a_code(
        self, library: Library, classifier: ClassifierVersion
    ):
        set_policy(policy=TagPolicy(combine=Combine.MEAN))
        both = [classifier, ClassifierVersionFactory(calibrated=True)]
        with pytest.raises(PolicyNotApplicableError, match=r"ear@1\.0\.0") as error:
            rules_for(library, both).deriver.derive_packed([None, None])
        assert error.value.code == "tag_policy_not_applicable"


class TestRederiving:
    def test_a_new_policy_gives_new_tags_without_hearing_anything(
        self, library: Library, classifier: ClassifierVersion
    ):
        sure = scored(library, classifier, "a.wav", 0.01, 0.9)
        perhaps = scored(library, classifier, "b.wav", 0.01, 0.3)
        derive_file_tags(files=[sure, perhaps], rules=rules_for(library, [classifier]))
        assert names(perhaps) == ["Dog"]
        untouched = Tag.objects.filter(file=sure).values_list("pk", flat=True)
        before = list(untouched)

        set_policy(policy=TagPolicy(accept=0.5))
        told = json.loads(run("policy", "apply", "--json"))

        assert told["files"] == 2
        assert names(perhaps) == []
        assert list(untouched) == before, "rows that stay the same are left alone"
        assert TagBasis.objects.count() == 2
        assert {row.basis.policy.values["accept"] for row in TagSet.objects.all()} == {0.5}
        assert plan_rederivation(library=library) == []
        assert "Nothing to do" in run("policy", "apply")

    def test_an_interrupted_one_goes_on_where_it_was(
        self, library: Library, classifier: ClassifierVersion, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("earmark.tagging.services.rederiving.BATCH", 2)
        files = [scored(library, classifier, f"{n}.wav", 0.3) for n in range(5)]
        derive_file_tags(files=files, rules=rules_for(library, [classifier]))
        set_policy(policy=TagPolicy(accept=0.5), library=library)
        (plan,) = plan_rederivation(library=library)
        assert plan.count() == 5
        assert next(plan.work()) == 2
        (rest,) = plan_rederivation(library=library)
        assert rest.count() == 3
        assert list(rest.work()) == [2, 1]

    def test_files_keep_the_classifiers_their_tags_rest_on(
        self, library: Library, classifier: ClassifierVersion
    ):
        other = ClassifierVersionFactory(name="other")
        one = scored(library, classifier, "a.wav", 0.3)
        two = scored(library, other, "b.wav", 0.3)
        derive_file_tags(files=[one], rules=rules_for(library, [classifier]))
        derive_file_tags(files=[two], rules=rules_for(library, [other]))
        set_policy(policy=TagPolicy(accept=0.2))
        plans = plan_rederivation(library=library)
        assert [plan.rules.authors for plan in plans] == [("ear@1.0.0",), ("other@1.0.0",)]
        assert [plan.count() for plan in plans] == [1, 1]

    def test_the_number_of_queries_does_not_grow_with_the_files(
        self, library: Library, classifier: ClassifierVersion, django_assert_max_num_queries
    ):
        files = [scored(library, classifier, f"{n}.wav", 0.3, 0.4, 0.5) for n in range(60)]
        rules = rules_for(library, [classifier])
        with django_assert_max_num_queries(20):
            derive_file_tags(files=files, rules=rules)


class TestEvidence:
    def test_a_persons_words_are_heeded_and_kept(
        self, library: Library, classifier: ClassifierVersion
    ):
        file = scored(library, classifier, "a.wav", 0.01, 0.9)
        note_evidence(found={file.pk: Found(Evidence(keywords=("dog", "old barn")))})
        derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
        assert names(file) == ["dog"]
        note_evidence(found={file.pk: Found(Evidence(keywords=("cat",)))})
        assert FileEvidence.objects.get(file=file).said == {"keywords": ["cat"]}
        derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
        tag = Tag.objects.get(file=file, label="Dog", origin="classifier")
        assert (tag.decision, tag.why["against"]) == ("review", "cat")

    def test_the_category_and_all_search_words_are_stored(
        self, library: Library, classifier: ClassifierVersion
    ):
        file = scored(library, classifier, "BELLMisc_x_y_z.wav", 0.01, 0.9)
        derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
        stored = TagSet.objects.get(file=file)
        assert (stored.catid, stored.catid_confidence) == ("BELLMisc", 1.0)
        assert stored.catid_runners_up[0][0] == "ANMLDog"
        assert {"Dog", "Animal"} <= set(stored.search_words.splitlines())


class TestPolicyCommand:
    def test_set_show_and_history(self, library: Library):
        run("policy", "set", "accept=0.3", "denied=Speech; Music", "--note", "quieter")
        run("policy", "set", "--library", "Foley", "label_thresholds=Bee, wasp, etc. = 0.5")
        own = json.loads(run("policy", "show", "--library", "Foley", "--json"))
        assert own["library"] == "Foley"
        assert own["settings"]["accept"] == 0.3
        assert own["settings"]["label_thresholds"] == {"Bee, wasp, etc.": 0.5}
        assert "denied = Music; Speech" in run("policy", "show")
        history = run("policy", "history")
        assert "quieter" in history
        assert "accept: 0.25 -> 0.3" in history
        run("policy", "set", "--library", "Foley", "--follow-default")
        told = [
            json.loads(line)
            for line in run("policy", "history", "--library", "Foley", "--json").splitlines()
        ]
        assert [entry["number"] for entry in told] == [2, 1]
        assert json.loads(run("policy", "show", "--library", "Foley", "--json"))["library"] is None

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            (["set"], "Say what to set"),
            (["set", "accept"], "NAME=VALUE"),
            (["set", "accept=2"], "must lie in"),
            (["set", "loudness=1"], "there is no setting 'loudness'"),
            (["set", "label_thresholds=Dog"], "Dog = 0.5"),
            (["show", "accept=1"], "unrecognized arguments"),
            (["set", "--follow-default"], "Say which --library"),
            (["set", "accept=1", "--follow-default"], "Say what to set"),
            (["show", "--library", "Nowhere"], "No library 'Nowhere'"),
        ],
    )
    def test_a_wrong_command_line_is_said_and_changes_nothing(self, words: list[str], reason: str):
        with pytest.raises(CommandError, match=reason) as error:
            run("policy", *words)
        # Django prints the usage of a line it cannot parse, and ends with 2 by itself.
        assert error.value.returncode == 2 or "unrecognized" in reason
        assert not PolicyChange.objects.exists()


TABLE = """term,preferred,synonyms,forbidden,translations
Dog,Hound,canine; pooch,doggie,de=Hund; fr=chien
Bark,,-,,
Bell,,,,de=Glocke
"""


class TestThesaurusCommand:
    def test_a_table_goes_in_and_comes_out_the_same(self, library: Library, tmp_path: Path):
        (tmp_path / "words.csv").write_text(TABLE, "utf-8")
        told = run("thesaurus", "import", str(tmp_path / "words.csv"))
        assert told.startswith("3 entries added, 0 changed")
        exported = run("thesaurus", "export")
        (tmp_path / "again.csv").write_text(exported, "utf-8-sig")
        assert "0 entries added, 0 changed, 3 as they were" in run(
            "thesaurus", "import", str(tmp_path / "again.csv")
        )
        assert run("thesaurus", "export") == exported
        shown = {row["term"]: row for row in json.loads(run("thesaurus", "show", "--json"))}
        assert shown["Bark"]["synonyms"] == []
        assert shown["Bell"]["synonyms"] is None
        assert shown["Dog"]["translations"] == {"de": "Hund", "fr": "chien"}
        assert "Dog is written Hound" in run("thesaurus", "show")

    def test_a_librarys_own_entries_come_first_and_the_tags_follow(
        self, library: Library, classifier: ClassifierVersion, tmp_path: Path
    ):
        file = scored(library, classifier, "a.wav", 0.01, 0.9)
        derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
        (tmp_path / "all.csv").write_text(TABLE)
        (tmp_path / "own.csv").write_text("term;preferred\nDog;Cur\n")
        run("thesaurus", "import", str(tmp_path / "all.csv"))
        run("thesaurus", "import", "--library", "Foley", str(tmp_path / "own.csv"))
        assert get_thesaurus(library=library).name_of(classifier.label_list[1]) == "Cur"
        run("policy", "apply")
        assert names(file) == ["Cur"]

    def test_replace_takes_away_what_the_table_lacks(self, library: Library, tmp_path: Path):
        (tmp_path / "a.csv").write_text(TABLE)
        (tmp_path / "b.csv").write_text("term,preferred\nDog,Cur\nCat,Puss\n")
        run("thesaurus", "import", str(tmp_path / "a.csv"))
        told = run("thesaurus", "import", "--replace", "--json", str(tmp_path / "b.csv"))
        assert json.loads(told) == {"added": 1, "changed": 1, "unchanged": 0, "removed": 2}
        assert list(ThesaurusEntry.objects.values_list("term", flat=True)) == ["Cat", "Dog"]

    @pytest.mark.parametrize(
        ("table", "reason"),
        [
            (b"term,synonym\nDog,Hund\n", "line 1: the columns are"),
            (b"preferred\nDog\n", "line 1: the columns are"),
            (b"", "line 1: the columns are"),
            (b"term,preferred\nCat,Puss\n,Hound\n", "line 3: the term is missing"),
            (b"term,preferred\nDog,a\nDOG,b\n", "line 3: 'DOG' stands in line 2 too"),
            (b"term,preferred\nDog,a,b\n", "line 2: there are more cells than columns"),
            (b'term,preferred\nDog,"a, b"\n', "line 2: 'a, b' holds a comma"),
            (b"term,translations\nDog,Hund\n", "line 2: a translation is written as"),
            (b"term,translations\nDog,German=Hund\n", "line 2: 'German' is no language code"),
            (b"term,forbidden\nDog,dog\n", "written and forbidden at once"),
            (b"term,preferred\nT\xfcr,door\n", "line 2: this is no UTF-8"),
            (b'term,preferred\n"Dog,a\n', "line "),
            (b"term,preferred\nDog," + b"x" * 201 + b"\n", "longer than 200"),
        ],
    )
    def test_a_wrong_table_is_refused_with_its_lines_and_nothing_is_imported(
        self, library: Library, tmp_path: Path, table: bytes, reason: str
    ):
        (tmp_path / "words.csv").write_bytes(table)
        with pytest.raises(CommandError, match=reason) as error:
            run("thesaurus", "import", str(tmp_path / "words.csv"))
        assert error.value.returncode == 1
        assert not ThesaurusEntry.objects.exists()

    def test_a_file_that_is_not_there_is_said(self, library: Library, tmp_path: Path):
        with pytest.raises(CommandError, match="cannot be read: No such file"):
            run("thesaurus", "import", str(tmp_path / "none.csv"))


class TestExplain:
    def test_it_tells_everything_about_a_file(
        self, library: Library, classifier: ClassifierVersion
    ):
        file = scored(library, classifier, "kennel dog.wav", 0.2, 0.83)
        make_sound(file.location)
        note_evidence(found={file.pk: Found(Evidence(keywords=("kennel",)))})
        set_policy(policy=TagPolicy(max_labels=1))
        derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
        told = json.loads(run("explain", str(file.location), "--json"))
        tags = {tag["tag"]: tag for tag in told["tags"]}
        assert tags["Dog"]["path"] == ["Dog", "ear@1.0.0 0.83 at 1.0-2.0 s"]
        assert (tags["Dog"]["start"], tags["Dog"]["end"]) == (1.0, 2.0)
        assert tags["Male speech"]["decision"] == "review"
        assert told["basis"]["classifiers"] == ["ear@1.0.0"]
        assert told["basis"]["settings"]["max_labels"] == 1
        assert told["basis"]["outdated"] is False
        assert told["said"] == {"keywords": ["kennel"]}
        assert told["category"]["catid"] == "ANMLDog"
        assert told["in_file"] == {"keywords": [], "own_keywords": []}

        text = run("explain", str(file.location), "--synonyms")
        assert "Dog <- ear@1.0.0 0.83 at 1.0-2.0 s" in text
        assert "said in keywords: kennel" in text

    def test_what_was_dropped_is_told_with_its_reason_and_a_new_policy_is_noticed(
        self, library: Library, classifier: ClassifierVersion
    ):
        file = scored(library, classifier, "a.wav", 0.9, 0.8, 0.7)
        rules = Rules((classifier,), TagPolicy(max_labels=1))
        derive_file_tags(files=[file], rules=rules)
        assert not Tag.objects.filter(decision="drop").exists()
        text = run("explain", str(file.location))
        assert "dropped:" in text
        assert "Bell  0.70  the policy allows no more for one file" in text
        assert "policy or words have changed since" in text
        assert "the file cannot be read" in text

    def test_a_silent_file_is_said_to_be_silent(self, library: Library) -> None:
        file = AudioFileFactory(library=library, path="a.wav")
        AudioFile.objects.filter(pk=file.pk).update(
            state=AudioFile.State.FAILED, error_code="silent", error_message="The file is silent."
        )
        assert "no tags: The file is silent." in run("explain", str(file.location))

    def test_a_file_nobody_knows_is_said(self, library: Library, tmp_path: Path):
        with pytest.raises(CommandError, match="does not know 1 of 1") as error:
            run("explain", str(tmp_path / "nothing.wav"))
        assert error.value.returncode == 1


class TestAdmin:
    def test_editing_a_policy_makes_a_new_version(self, admin_client: Client, library: Library):
        set_policy(policy=TagPolicy(accept=0.3), library=library)
        change = PolicyChange.objects.get()
        address = reverse("admin:tagging_policychange_change", args=[change.pk])
        page = admin_client.get(address)
        form = page.context["adminform"].form
        values = {name: form.initial.get(name) for name in form.fields if form.initial.get(name)}
        assert values["accept"] == "0.3"
        posted = {**values, "accept": "0.4", "denied": "Speech\nMusic", "note": "too much talk"}
        assert admin_client.post(address, posted).status_code == 302
        policy = get_policy(library=library)
        assert (policy.accept, policy.denied) == (0.4, frozenset({"Speech", "Music"}))
        assert PolicyChange.objects.filter(library=library).count() == 2
        change.refresh_from_db()
        assert change.policy is not None
        assert change.policy.values["accept"] == 0.3
        assert PolicyChange.objects.first().changed_by is not None

    def test_a_policy_that_contradicts_itself_is_shown_again(
        self, admin_client: Client, library: Library
    ):
        address = reverse("admin:tagging_policychange_add")
        form = admin_client.get(address).context["adminform"].form
        values = {name: form.initial.get(name) for name in form.fields if form.initial.get(name)}
        page = admin_client.post(address, {**values, "review": "0.4"})
        assert "must not fall" in page.content.decode()
        page = admin_client.post(address, {**values, "accept": "much"})
        assert "needs a number" in page.content.decode()
        assert not PolicyChange.objects.exists()

    def test_a_term_is_added_edited_and_removed(self, admin_client: Client, library: Library):
        address = reverse("admin:tagging_thesaurusentry_add")
        values = {
            "term": "Dog",
            "preferred": "Hound",
            "synonyms": "cur; mutt",
            "translations": "de=Hund",
        }
        assert admin_client.post(address, values).status_code == 302
        row = ThesaurusEntry.objects.get()
        assert (row.preferred, row.synonyms, row.translations) == (
            "Hound",
            ["cur", "mutt"],
            {"de": "Hund"},
        )
        again = admin_client.post(address, {**values, "term": "DOG"}).content.decode()
        assert "There is an entry about this term" in again
        own = reverse("admin:tagging_thesaurusentry_change", args=[row.pk])
        assert "cur; mutt" in admin_client.get(own).content.decode()
        assert admin_client.post(own, {"preferred": "Cur", "synonyms": "-"}).status_code == 302
        row.refresh_from_db()
        assert (row.preferred, row.synonyms, row.translations) == ("Cur", [], {})
        wrong = admin_client.post(own, {"translations": "Hund"}).content.decode()
        assert "a translation is written as" in wrong


def test_labels_of_the_factory_are_what_these_tests_take_them_for():
    assert [name for _, name in LABELS] == ["Male speech, man speaking", "Dog", "Bell"]
