"""The search over HTTP: who finds what, how it is answered, and with how many queries."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.search.selectors import TagFilter, lookup
from tests.api_client import make_user, signed_in
from tests.factories import ClassifierVersionFactory, LibraryFactory

pytestmark = pytest.mark.django_db

Add = Callable[..., AudioFile]
SEARCH = "/api/v1/search"
FAR_CURSOR = base64.urlsafe_b64encode(b'["duration",1%s,0,0,false]' % (b"0" * 400)).decode()


@pytest.fixture
def ask(library: Library) -> Callable[..., Any]:
    """Return what asks as somebody who may see the library."""
    client = signed_in(make_user(Role.VIEWER, library))

    def get(url: str = SEARCH, **query: Any) -> Any:
        answer = client.get(url, query)
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return get


def test_an_answer_tells_the_file_the_total_and_the_facets(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    file = add("Rain/On Tin.wav", ("Rain", 0.9), catid="RAINMetl", duration=2.0)
    indexed()
    told = ask(q="rain tin", facets="tags,containers")
    (found,) = told["results"]
    assert (found["id"], found["name"], found["folder"]) == (file.pk, "On Tin.wav", "Rain")
    assert found["tags"] == [{"name": "Rain", "confidence": 0.9}]
    assert (found["catid"], found["library_name"]) == ("RAINMetl", "Weather and more")
    assert found["modified"].startswith("2023-11-14")
    assert told["total"] == {"value": 1, "exact": True}
    assert told["facets"]["counts"]["tags"] == [{"value": "Rain", "files": 1}]
    assert (told["next"], told["complete"], told["sort"]) == (None, True, "relevance")


def test_only_the_fields_asked_for_are_told(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    indexed()
    assert ask(q="rain", fields="id,path")["results"] == [{"id": file.pk, "path": "Rain.wav"}]


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        *(("12:30", ["clock.wav"]), ("12:30:0.8", ["clock.wav"]), ("12:30:0.95", [])),
        *(("1:1", []), ("1:1:0", ["square.wav"]), (":0.5", [])),
    ],
)
def test_a_colon_belongs_to_the_tag_unless_a_confidence_follows(
    tag: str,
    found: list[str],
    add: Add,
    indexed: Callable[[], None],
    ask: Callable[..., Any],
) -> None:
    add("clock.wav", ("12:30", 0.9))
    add("square.wav", ("1:1", 0.9))
    indexed()
    assert [one["name"] for one in ask(tag=tag)["results"]] == found
    # Filters of bulk operations are kept as text.
    assert TagFilter.parse(TagFilter.parse(tag).as_text()) == TagFilter.parse(tag)


def test_pages_lead_on(add: Add, indexed: Callable[[], None], ask: Callable[..., Any]) -> None:
    for n in range(3):
        add(f"Rain {n}.wav")
    indexed()
    first = ask(q="rain", page_size=2)
    second = ask(q="rain", page_size=2, cursor=first["next"])
    found = [one["name"] for one in first["results"] + second["results"]]
    assert sorted(found) == ["Rain 0.wav", "Rain 1.wav", "Rain 2.wav"]
    assert second["next"] is None and second["total"] is None


def test_nothing_of_another_library_is_found_counted_or_suggested(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    other = LibraryFactory(root="/secret")
    hidden = add("Rain Secret.wav", ("Squall", 0.9), into=other, audio_hash="x:1")
    indexed()
    assert ask(q="rain", facets="tags")["results"] == []
    assert ask(q="squal", facets="tags")["facets"]["counts"]["tags"] == []
    assert ask(q="squalx")["corrections"] == []
    assert ask(f"{SEARCH}/suggest", q="squ")["results"] == []
    assert ask("/api/v1/tags")["results"] == []
    looked = ask("/api/v1/lookup", path="/secret/Rain Secret.wav", audio_hash="x:1")
    assert [one["files"] for one in looked["results"]] == [[], []]
    client = signed_in(make_user(Role.VIEWER, LibraryFactory()))
    assert client.get(f"/api/v1/files/{hidden.pk}/similar").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "size"},
        {"page_size": "0"},
        {"page_size": "501"},
        {"state": "lost"},
        {"library": "x"},
        {"library": str(2**63)},
        {"duration_min": "-1"},
        {"duration_max": "nan"},
        {"fields": "secret"},
        {"facets": "x"},
        {"cursor": "x", "sort": "name"},
        {"cursor": FAR_CURSOR, "sort": "duration"},
        {"sort": "relevance"},
        {"sort": "-confidence"},
        {"q": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_refused(query: dict[str, str], library: Library) -> None:
    answer = signed_in(make_user(Role.VIEWER, library)).get(SEARCH, query)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "context"}


@pytest.mark.parametrize(
    "text", ["a\0b", "'", "\\", '"', "(", "a&b|c", "NEAR(a b)", "*", "-", "💧"]
)
def test_any_text_can_be_searched_for(text: str, ask: Callable[..., Any]) -> None:
    client = signed_in(make_user(superuser=True))
    assert client.get(SEARCH, {"q": text}).status_code in (200, 400)
    assert client.get(SEARCH, {"tag": text, "folder": text}).status_code in (200, 400)
    assert client.get(f"{SEARCH}/suggest", {"q": text}).status_code in (200, 400)


@pytest.mark.parametrize("query", [{"q": "rain"}, {"q": "rain", "sort": "name"}, {"tag": "Rain"}])
def test_a_page_costs_as_many_queries_however_long_it_is(
    query: dict[str, str], add: Add, indexed: Callable[[], None], library: Library
) -> None:
    client = signed_in(make_user(Role.VIEWER, library))
    counts = []
    for more in (1, 12):
        for n in range(more):
            add(f"Rain {more} {n}.wav", ("Rain", 0.5), ("Water", 0.4))
        indexed()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(SEARCH, query | {"facets": "tags,libraries"})
        assert answer.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 24


def test_wrong_spelling_is_answered_with_what_may_have_been_meant(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    add("Thunder.wav", ("Rain", 0.9))
    indexed()
    assert ask(q="thnder")["corrections"] == ["thunder"]
    assert ask(q="thunder")["corrections"] == []


def test_suggestions_begin_as_typed_with_tags_first(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    add("Rainbow.wav", ("Rain", 0.9), catid="RAINMetl")
    add("Other.wav", ("Rain", 0.9), ("Raindrop", 0.8))
    indexed()
    told = ask(f"{SEARCH}/suggest", q="RAI")["results"]
    assert [(one["kind"], one["text"], one["files"]) for one in told] == [
        *(("tag", "Rain", 2), ("tag", "Raindrop", 1)),
        *(("catid", "RAINMetl", 1), ("word", "rainbow", 1)),
    ]


def test_words_are_suggested_where_tags_and_categories_leave_room(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    add("Rainbow.wav", ("Rain", 0.9), ("Raindrop", 0.8), catid="RAINMetl")
    indexed()
    every = ask(f"{SEARCH}/suggest", q="rai")["results"]
    assert [one["kind"] for one in every] == ["tag", "tag", "catid", "word"]
    for limit in (1, 2, 3, 4):
        with CaptureQueriesContext(connection) as queries:
            assert ask(f"{SEARCH}/suggest", q="rai", limit=limit)["results"] == every[:limit]
        asked = sum("searchterm" in query["sql"] for query in queries)
        assert asked == {1: 1, 2: 1, 3: 2, 4: 3}[limit]


def test_the_spellings_of_a_tag_are_looked_up_once_a_search(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    file = add("a.wav", ("Rain", 0.9))
    indexed()
    with CaptureQueriesContext(connection) as queries:
        told = ask(q="rain", tag="rain:0.8", sort="name")["results"]
    assert [one["id"] for one in told] == [file.pk]
    assert sum("searchterm" in query["sql"] for query in queries) == 1


def test_tags_are_listed_with_their_files(
    add: Add, indexed: Callable[[], None], ask: Callable[..., Any]
) -> None:
    add("a.wav", ("Rain", 0.9), ("Water", 0.5))
    add("b.wav", ("Rain", 0.9))
    indexed()
    assert ask("/api/v1/tags")["results"] == [
        {"name": "Rain", "files": 2},
        {"name": "Water", "files": 1},
    ]
    assert ask("/api/v1/tags", prefix="wa")["results"] == [{"name": "Water", "files": 1}]


def test_a_path_a_hash_and_a_category_lead_to_files(
    add: Add, library: Library, ask: Callable[..., Any]
) -> None:
    file = add("Rain/a.wav", ("Rain", 0.9), catid="RAINMetl")
    told = ask(
        "/api/v1/lookup",
        path=["/sounds/Rain/a.wav", "/sounds/Rain/../Rain/./a.wav", "/etc/passwd", "Rain/a.wav"],
        audio_hash=file.audio_hash,
        catid="RAINMetl",
    )
    found = [(one["by"], [each["id"] for each in one["files"]]) for one in told["results"]]
    assert found == [
        *(("path", [file.pk]), ("path", [file.pk]), ("path", []), ("path", [])),
        *(("audio_hash", [file.pk]), ("catid", [file.pk])),
    ]


def test_the_more_is_looked_up_the_fewer_files_are_named_for_each(
    add: Add, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "FILES_IN_ALL", 4)
    for n in range(3):
        add(f"{n}.wav", catid="RAINMetl")
    alone = ask("/api/v1/lookup", catid="RAINMetl")["results"]
    many = ask("/api/v1/lookup", catid=["RAINMetl", "RAINWood"], audio_hash=["x:1", "x:2"])
    assert [(len(one["files"]), one["more"]) for one in alone] == [(3, False)]
    assert [(len(one["files"]), one["more"]) for one in many["results"][2:]] == [
        (1, True),
        (0, False),
    ]


def test_many_paths_are_looked_up_with_as_many_queries_as_one(add: Add, library: Library) -> None:
    client = signed_in(make_user(Role.VIEWER, library))
    paths = [f"/sounds/{n}.wav" for n in range(8)]
    for n in range(8):
        add(f"{n}.wav")
    counts = []
    for asked in (paths[:1], paths):
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/api/v1/lookup", {"paths": asked}, format="json")
        assert answer.status_code == 200
        assert [len(one["files"]) for one in answer.json()["results"]] == [1] * len(asked)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("body", [{"paths": "x"}, {"paths": ["x"] * 1001}, [], "x"])
def test_a_look_up_of_nonsense_is_refused(body: object, library: Library) -> None:
    client = signed_in(make_user(Role.VIEWER, library))
    assert client.post("/api/v1/lookup", body, format="json").status_code == 400


class TestSimilar:
    @pytest.fixture
    def classifier(self) -> ClassifierVersion:
        return ClassifierVersionFactory(name="audioset", version="9", embedding_size=4)

    @staticmethod
    def hear(file: AudioFile, classifier: ClassifierVersion, *vector: float) -> None:
        packed = (np.array(vector) / np.linalg.norm(vector)).astype("<f2").tobytes()
        PredictionSet.objects.update_or_create(
            audio_hash=file.audio_hash,
            classifier=classifier,
            defaults={"scores": [], "embedding": packed},
        )

    @pytest.mark.usefixtures("data_dir")
    def test_the_nearest_come_first_and_only_those_that_may_be_seen(
        self,
        add: Add,
        indexed: Callable[[], None],
        ask: Callable[..., Any],
        classifier: ClassifierVersion,
    ) -> None:
        file, near, far = (add(f"{name}.wav") for name in ("file", "near", "far"))
        hidden = add("hidden.wav", into=LibraryFactory())
        self.hear(file, classifier, 1, 0, 0, 0)
        self.hear(near, classifier, 1, 0.1, 0, 0)
        self.hear(far, classifier, 0, 1, 0, 0)
        self.hear(hidden, classifier, 1, 0, 0, 0)
        indexed()
        told = ask(f"/api/v1/files/{file.pk}/similar")
        assert [one["file"]["id"] for one in told["results"]] == [near.pk, far.pk]
        assert told["results"][0]["similarity"] == pytest.approx(0.995, abs=0.001)
        assert told["complete"] is True
        # How many sounds there are in libraries of others is nobody's business.
        assert set(told) == {"classifier", "complete", "results"}

    @pytest.mark.usefixtures("data_dir")
    def test_sounds_that_come_later_or_are_heard_anew_are_compared_as_they_are_now(
        self,
        add: Add,
        indexed: Callable[[], None],
        ask: Callable[..., Any],
        classifier: ClassifierVersion,
    ) -> None:
        file, other = add("file.wav"), add("other.wav")
        self.hear(file, classifier, 1, 0, 0, 0)
        self.hear(other, classifier, 0, 1, 0, 0)
        indexed()
        assert ask(f"/api/v1/files/{file.pk}/similar")["results"][0]["similarity"] == 0
        self.hear(other, classifier, 1, 0, 0, 0)
        later = add("later.wav")
        self.hear(later, classifier, 1, 1, 0, 0)
        assert ask(f"/api/v1/files/{file.pk}/similar")["complete"] is False
        indexed()
        told = ask(f"/api/v1/files/{file.pk}/similar")
        assert [one["file"]["id"] for one in told["results"]] == [other.pk, later.pk]
        assert told["results"][0]["similarity"] == pytest.approx(1, abs=0.001)

    def test_a_file_nobody_has_heard_cannot_be_compared(
        self, add: Add, library: Library, classifier: ClassifierVersion
    ) -> None:
        file = add("file.wav")
        client = signed_in(make_user(Role.VIEWER, library))
        answer = client.get(f"/api/v1/files/{file.pk}/similar")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_embedding")
