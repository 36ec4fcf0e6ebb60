"""Who listens to what is sent: there whatever happens, and quiet while nobody sends anything."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from earmark_workers.pipeline import uploads
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.uploads import UploadDesk
from tests.api_client import make_user, with_token
from tests.integration.uploads.test_uploads_api import send, sound


@pytest.mark.usefixtures("desk")
def test_after_something_unforeseen_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch):
    client = with_token(make_user())
    monkeypatch.setattr(uploads, "FAULT_S", 0.0)
    with monkeypatch.context() as once:
        once.setattr(UploadDesk, "_hear", lambda self, events: 1 // 0)
        failed = send(client, audio=sound(440), wait=60)

    answered = send(client, audio=sound(440), wait=60)

    assert failed.json()["code"] == "internal_error"
    assert answered.json()["state"] == "done"


@pytest.mark.django_db(transaction=True)
def test_while_nothing_comes_it_looks_once_a_second(monkeypatch: pytest.MonkeyPatch):
    stop = StopRequest()
    pauses: list[float] = []

    def wait(_: Sequence[object], pause: float) -> None:
        pauses.append(pause)
        stop.asked = len(pauses) == 3

    monkeypatch.setattr(uploads, "wait", wait)

    UploadDesk(stop=stop, device="cpu").serve()

    stop.close()
    assert pauses == [1.0] * 3
