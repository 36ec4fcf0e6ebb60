"""Questions about uploads that the database answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser, User

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.selectors import get_default_classifier
from earmark.core.errors import NotFoundError
from earmark.uploads.models import Upload, UploadQuerySet, is_upload_id

_ASK_AFTER_S = 0.05
_ASK_AGAIN_S = 0.25


def get_upload(*, upload_id: str, user: User | AnonymousUser) -> Upload:
    """Return an upload of somebody; superusers see those of all.

    Raises
    ------
    NotFoundError
        If there is none, or it belongs to another.
    """
    mine = Upload.objects.all() if user.is_superuser else _of(user)
    upload = mine.filter(pk=upload_id).first() if is_upload_id(upload_id) else None
    if upload is None:
        raise NotFoundError("There is no such upload; answers are kept for a while only.")
    return upload


def find_classifiers(names: Sequence[str]) -> list[ClassifierVersion]:
    """Return the usable classifiers of these names, each once; without names the default one.

    Raises
    ------
    ClassifierUnavailableError
        If one of them cannot be used.
    """
    if not names:
        return [get_default_classifier()]
    usable = {one.name: one for one in ClassifierVersion.objects.usable().filter(name__in=names)}
    for name in names:
        if name not in usable:
            raise ClassifierUnavailableError(f"The classifier {name!r} cannot be used now.")
    return [usable[name] for name in dict.fromkeys(names)]


async def wait_for_answer(upload: Upload, *, seconds: float) -> Upload:
    """Return the upload as soon as it has an answer, or as it is after so many seconds.

    Holds neither a thread nor a connection while it waits.
    """
    deadline = time.monotonic() + seconds
    pause = _ASK_AFTER_S
    while upload.state in (Upload.State.QUEUED, Upload.State.RUNNING):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        await asyncio.sleep(min(pause, left))
        pause = min(_ASK_AGAIN_S, pause * 1.3)
        state = await Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).afirst()
        if state is None:
            break  # somebody deleted it
        if state != upload.state:
            upload = await Upload.objects.aget(pk=upload.pk)
    return upload


def _of(user: User | AnonymousUser) -> UploadQuerySet:
    return Upload.objects.filter(owner=user) if isinstance(user, User) else Upload.objects.none()
