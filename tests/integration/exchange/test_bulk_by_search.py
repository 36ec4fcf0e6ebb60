"""Operations on what the search finds: all that was seen in it, whatever it finds meanwhile."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from earmark.exchange.bulk import working
from earmark.exchange.bulk.models import BulkOperation, FoundFile
from earmark.exchange.bulk.working import run_next_operation
from earmark.jobs.models import Run
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.search.services import index_changes
from earmark.tagging.models import Tag
from earmark.tagging.services import set_file_tags
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, ClassifierVersionFactory, LibraryFactory

pytestmark = pytest.mark.django_db

BULK = "/api/v1/bulk"
RAIN = ("Rain/tin roof.wav", "Rain/umbrella.wav", "Rain/window.wav")


@pytest.fixture
def library() -> Library:
    """Three sounds of rain, of which two are tagged, and a door; indexed."""
    library = LibraryFactory()
    files = [AudioFileFactory(library=library, path=path) for path in (*RAIN, "door.wav")]
    AudioFileFactory(library=LibraryFactory(), path="Rain/of others.wav")
    for file in files[:2]:
        set_file_tags(file=file, add=["Wet"], by="anna")
    index_changes()
    return library


@pytest.fixture
def client(library: Library) -> APIClient:
    return signed_in(make_user(Role.EDITOR, library))


def submit(client: APIClient, library: Library, **body: object) -> str:
    """Ask for an operation and return where it tells of itself."""
    answer = client.post(BULK, {"library": library.pk, **body}, format="json")
    assert answer.status_code == 202, answer.json()
    return answer["Location"]


def work() -> None:
    run_next_operation(worker="one", should_stop=bool)


def tagged(word: str) -> list[str]:
    tags = Tag.objects.accepted().filter(name=word).order_by("file__path")
    return list(tags.values_list("file__path", flat=True))


def test_what_the_search_finds_is_changed_and_nothing_else(client: APIClient, library: Library):
    search = {"q": "rain", "folder": "Rain"}
    place = submit(client, library, operation="add", tags=["Outside"], search=search)
    told = client.get(place).json()
    assert (told["total"], told["selection"]) == (3, {"search": search})

    work()

    assert tagged("Outside") == list(RAIN)
    told = client.get(place).json()
    assert (told["state"], told["done"], told["changed"]) == ("finished", 3, 3)
    assert not FoundFile.objects.exists()
    submit(
        client, library, operation="add", tags=["Weather"], search={"tag": ["wet"]}, under="Rain"
    )
    work()
    assert tagged("Weather") == list(RAIN[:2])


def test_files_that_leave_and_enter_the_search_meanwhile_change_nothing(
    client: APIClient, library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(working, "SLICE", 1)
    submit(client, library, operation="remove", tags=["Wet"], search={"tag": ["Wet"]})
    late = AudioFile.objects.get(path=RAIN[2])
    set_file_tags(file=late, add=["Wet"], by="anna")
    set_file_tags(file=AudioFile.objects.get(path=RAIN[1]), add=["Loud"], remove=["Wet"], by="ben")
    index_changes()

    run_next_operation(worker="one", should_stop=lambda: True)
    index_changes()
    work()

    assert tagged("Wet") == [RAIN[2]]
    assert BulkOperation.objects.get().done == 2


def test_a_preview_tells_what_would_be_meant_and_does_nothing(client: APIClient, library: Library):
    body = {"library": library.pk, "search": {"q": "rain -umbrella"}}
    told = client.post(f"{BULK}/preview", body, format="json").json()
    paths = [file["path"] for file in told["files"]]
    assert (told["total"], told["complete"], paths) == (2, True, [RAIN[0], RAIN[2]])

    AudioFileFactory(library=library, path="Rain/new.wav")
    told = client.post(f"{BULK}/preview", body, format="json").json()
    assert (told["total"], told["complete"]) == (2, False)
    told = client.post(f"{BULK}/preview", {"library": library.pk}, format="json").json()
    assert (told["total"], told["complete"]) == (5, True)
    assert not BulkOperation.objects.exists()


def test_what_the_search_finds_is_classified_again(client: APIClient, library: Library):
    name = ClassifierVersionFactory().name
    files = [file.pk for file in AudioFile.objects.filter(path__in=[RAIN[0], "door.wav"])]
    search = {"q": "rain"}
    place = submit(
        client, library, operation="rerun", classifiers=[name], search=search, files=files
    )

    work()

    run = Run.objects.get()
    assert [job.file.path for job in run.jobs.all()] == [RAIN[0]]
    assert (run.selection, client.get(place).json()["total"]) == ({"search": search}, 1)


def test_what_was_found_is_forgotten_when_the_operation_is_called_off(
    client: APIClient, library: Library
):
    place = submit(client, library, operation="add", tags=["Outside"], search={"q": "rain"})
    assert FoundFile.objects.count() == 3

    assert client.post(f"{place}/cancel").status_code == 200

    assert not FoundFile.objects.exists()
    assert submit(client, library, operation="write", search={"q": "rain"}, files=[]) is not None
    assert BulkOperation.objects.latest("pk").total == 0


@pytest.mark.parametrize(
    "search",
    [
        {"duration_min": "nan"},
        {"tag": [["Rain"]]},
        {"state": "present"},
        {"q": 7.5, "channels": [-1]},
        ["rain"],
    ],
)
def test_what_the_search_does_not_understand_is_refused(
    client: APIClient, library: Library, search: object
):
    body = {"library": library.pk, "operation": "write", "search": search}
    answer = client.post(BULK, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["context"].keys() == {"search"}
