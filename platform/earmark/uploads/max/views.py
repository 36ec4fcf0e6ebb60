"""The addresses of the container, answered by Earmark's workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt

from earmark.classifiers.selectors import get_default_classifier
from earmark.core.errors import EarmarkError
from earmark.uploads.errors import UploadsBusyError, UploadTooLargeError
from earmark.uploads.max import contract, swagger
from earmark.uploads.models import Upload
from earmark.uploads.receiving import FIELD, ReceivedFile, install_receiver
from earmark.uploads.selectors import wait_for_answer
from earmark.uploads.services import accept_upload, discard_upload

log = structlog.get_logger(__name__)

PATIENCE_S = 120.0
"""The original answers when it is done; nobody waits longer than this."""

# What can be wrong with a sound at this end of the wire. Anything else is a fault of ours.
_OUTSIDE = "part_outside_sound"
_SILENT = "silent"
_OURS = frozenset(
    {"classifier_hung", "worker_killed", "worker_died", "worker_start_failed", "internal_error"}
)

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


@dataclass(frozen=True)
class _Asked:
    """A request to predict, as far as it can be understood without listening."""

    file: ReceivedFile
    start: float
    wanted: list[str] | None


def answer_json(body: object, status: int = 200) -> HttpResponse:
    """Return JSON the way the original writes it: with a line break at its end."""
    return HttpResponse(json.dumps(body) + "\n", content_type="application/json", status=status)


def offer(method: str) -> Callable[[View], View]:
    """Answer one method, and what the original says to others."""

    def decorate(view: View) -> View:
        allowed = ["HEAD", method, "OPTIONS"] if method == "GET" else [method, "OPTIONS"]

        @wraps(view)
        async def answer(request: HttpRequest) -> HttpResponse:
            if request.method == "OPTIONS":
                response = HttpResponse(content_type="text/html; charset=utf-8")
            elif request.method not in allowed:
                text = "The method is not allowed for the requested URL."
                response = answer_json({"message": text}, status=405)
            else:
                return await view(request)
            response["Allow"] = ", ".join(allowed)
            return response

        return csrf_exempt(answer)

    return decorate


@offer("GET")
async def describe(request: HttpRequest) -> HttpResponse:
    """Return the description of the interface."""
    return answer_json(swagger.describe())


@offer("GET")
async def metadata(request: HttpRequest) -> HttpResponse:
    """Say which classifier answers: the truth, in the fields of the original."""
    one = await sync_to_async(get_default_classifier)()
    return answer_json(
        {
            "id": one.identity,
            "name": f"{one.name} {one.version}",
            "description": one.description,
            "type": "Audio classification",
            "source": one.distribution,
            "license": one.licence,
        }
    )


@offer("GET")
async def labels(request: HttpRequest) -> HttpResponse:
    """List what can be predicted."""
    one = await sync_to_async(get_default_classifier)()
    found = [{"id": label.id, "name": label.name} for label in one.label_list]
    return answer_json({"count": len(found), "labels": found})


@offer("POST")
async def predict(request: HttpRequest) -> HttpResponse:
    """Classify ten seconds of a sound."""
    receiver = install_receiver(request)
    try:
        asked = await sync_to_async(_read)(request)
        return answer_json(await _predict(asked))
    except contract.BadRequestError as error:
        return answer_json(error.body, status=400)
    except EarmarkError as error:
        return answer_json({"message": str(error)}, status=_status_of(error))
    finally:
        await sync_to_async(receiver.discard)()


def _status_of(error: EarmarkError) -> int:
    """Return the status of what is not the sound's fault: too large, too many, or ours."""
    if isinstance(error, UploadsBusyError):
        return 503
    return 413 if isinstance(error, UploadTooLargeError) else 500


def _read(request: HttpRequest) -> _Asked:
    """Take the request in; parameters may stand in the address or in the form, the former first."""
    try:
        file = request.FILES.get(FIELD)
        values = {name: _values(request, name) for name in ("start_time", "filter")}
    except MultiPartParserError:
        file, values = None, {"start_time": [], "filter": []}
    if not isinstance(file, ReceivedFile):
        missing = f"{contract.AUDIO_HELP} Missing required parameter in an uploaded file"
        raise contract.invalid_input(FIELD, missing)
    start = contract.read_start(values["start_time"])
    contract.require_wav((file.content_type or "").lower())
    return _Asked(file, start, contract.read_filter(values["filter"]))


def _values(request: HttpRequest, name: str) -> list[str]:
    return [*request.GET.getlist(name), *request.POST.getlist(name)]


async def _predict(asked: _Asked) -> dict[str, object]:
    upload = await sync_to_async(_queue)(asked)
    try:
        upload = await wait_for_answer(upload, seconds=PATIENCE_S)
    finally:
        await sync_to_async(discard_upload)(upload=upload)
    return {"status": "ok", "predictions": _list_predictions(upload, asked)}


def _queue(asked: _Asked) -> Upload:
    return accept_upload(
        received=asked.file.received,
        classifiers=[get_default_classifier()],
        start=asked.start,
        end=asked.start + contract.LISTEN_S,
    )


def _list_predictions(upload: Upload, asked: _Asked) -> list[dict[str, Any]]:
    if upload.state == Upload.State.FAILED:
        return _explain(upload)
    result: dict[str, Any] | None = upload.result
    if result is None:
        raise UploadsBusyError("No worker had time for this sound.")
    if result["container"] not in ("wav", "rf64"):
        raise contract.invalid_type(result["container"])
    if result["duration"] is not None:
        contract.require_inside(asked.start, result["duration"])
    (answer,) = result["classifiers"]
    return contract.list_predictions(answer["predictions"], asked.wanted)


def _explain(upload: Upload) -> list[dict[str, Any]]:
    """Say why a sound was not classified; in one that is silent there is nothing to name."""
    if upload.error_code == _SILENT:
        return []
    if upload.error_code == _OUTSIDE:
        raise contract.invalid_start()
    if upload.error_code in _OURS:
        log.error("not_predicted", code=upload.error_code, reason=upload.error_message)
        raise _OursError(upload.error_message, code=upload.error_code)
    raise contract.refusal(upload.error_message)


class _OursError(EarmarkError):
    """The sound is not to blame."""

    status = 500

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
