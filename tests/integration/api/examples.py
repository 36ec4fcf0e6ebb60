"""One example of everything that addresses of the API name, for tests that ask them all.

Who adds an address with a new variable adds a line to `VARIABLES`, and to `REQUESTS` if the request
has to name something in its body or query to be more than a 400.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from earmark.accounts.models import ApiToken
from earmark.accounts.scopes import Scope
from earmark.accounts.services import create_token
from earmark.classifiers.models import ClassifierVersion
from earmark.exchange.bulk.models import BulkOperation
from earmark.jobs.models import Job
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library, LibraryRole
from earmark.library.services import register_library, request_scan
from earmark.review.models import Decision, ReviewItem
from earmark.tagging.models import TagChange, ThesaurusEntry
from earmark.uploads.models import Upload
from earmark.webhooks.models import Event, Webhook
from earmark.webhooks.services import queue_test
from earmark.writeback.models import TagWrite
from tests.api_client import make_user
from tests.factories import (
    FACTS,
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    make_sound,
)


@dataclass
class World:
    """A library with one of each thing; things are made when they are first asked for.

    Attributes
    ----------
    folder : Path
        An empty folder, to become the library's.
    """

    folder: Path

    @cached_property
    def library(self) -> Library:
        """A library with one sound on disk."""
        return register_library(root=self.folder, trusted=True)

    @cached_property
    def file(self) -> AudioFile:
        """The sound."""
        sound = make_sound(self.folder / "sound.wav", seconds=0.5)
        found = sound.stat()
        return AudioFileFactory(
            library=self.library,
            path=sound.name,
            size=found.st_size,
            mtime_ns=found.st_mtime_ns,
            audio_hash="sha256:1",
            **asdict(FACTS),
        )

    @cached_property
    def webhook(self) -> Webhook:
        """A webhook of the library."""
        return Webhook.objects.create(
            library=self.library,
            url="https://hooks.example/",
            events=[Event.RUN_FINISHED],
            secret="whsec_1",
        )

    @cached_property
    def classifier(self) -> ClassifierVersion:
        """A classifier that can be used."""
        return ClassifierVersionFactory(name="listener")

    @cached_property
    def job(self) -> Job:
        """A job over the file."""
        job = JobFactory(run__library=self.library, file=self.file, classifier=self.classifier)
        job.run.classifiers.add(self.classifier)
        return job

    @cached_property
    def other_user(self) -> User:
        """Somebody who asks nothing, a viewer."""
        return make_user(Role.VIEWER, self.library)

    @cached_property
    def group(self) -> Group:
        """A group with that somebody in it."""
        group = Group.objects.create(name="studio")
        group.user_set.add(self.other_user)
        return group


Example = Callable[[World, User], object]


def _own_token(world: World, user: User) -> int:
    token = ApiToken.objects.filter(user=user, name="example").first()
    if token is None:
        token, _ = create_token(user=user, name="example", scopes=[Scope.READ])
    return token.pk


def _entry(library: Library | None) -> int:
    return ThesaurusEntry.objects.create(library=library, term="Rain", term_key="rain").pk


def _upload(world: World, user: User) -> str:
    later = timezone.now() + timedelta(hours=1)
    return Upload.objects.create(owner=user, classifiers=[], size=1, expires_at=later).pk


def _change(world: World, user: User) -> int:
    words = {"add": ["rain"]}
    values = {"by_name": "somebody", "created_at": timezone.now()}
    return TagChange.objects.create(file=world.file, words=words, **values).pk


def _delivery(world: World, user: User) -> int:
    return queue_test(webhook=world.webhook).pk


def _role(world: World, user: User) -> int:
    return LibraryRole.objects.get(library=world.library, user=world.other_user).pk


def _review_item(world: World) -> int:
    item, _ = ReviewItem.objects.get_or_create(
        library=world.library,
        file=world.file,
        name="Rain",
        defaults={"score": 0.2, "kind": ReviewItem.Kind.BAND, "rank": 1},
    )
    return item.pk


def _decision(world: World, user: User) -> Decision:
    return Decision.objects.create(
        item_id=_review_item(world),
        action=Decision.Action.SKIP,
        reviewer=user.username,
        batch=uuid.uuid4().hex,
        score=0.2,
    )


VARIABLES: dict[str, Example] = {
    "library_id": lambda world, user: world.library.pk,
    "file_id": lambda world, user: world.file.pk,
    "scan_id": lambda world, user: request_scan(library=world.library).pk,
    "run_id": lambda world, user: world.job.run_id,
    "job_id": lambda world, user: world.job.pk,
    "classifier_id": lambda world, user: world.classifier.pk,
    "role_id": _role,
    "user_id": lambda world, user: world.other_user.pk,
    "group_id": lambda world, user: world.group.pk,
    "token_id": _own_token,
    "change_id": _change,
    "write_id": lambda world, user: TagWrite.objects.create(file=world.file, tags_key="1").pk,
    "thesaurus/{entry_id} entry_id": lambda world, user: _entry(None),
    "libraries/{library_id}/thesaurus/{entry_id} entry_id": lambda world, user: _entry(
        world.library
    ),
    "upload_id": _upload,
    "webhook_id": lambda world, user: world.webhook.pk,
    "delivery_id": _delivery,
    "item_id": lambda world, user: _review_item(world),
    "decision_id": lambda world, user: _decision(world, user).pk,
    "operation_id": lambda world, user: (
        BulkOperation.objects.create(
            library=world.library, kind=BulkOperation.Kind.ADD, options={"tags": ["rain"]}
        ).pk
    ),
    "batch_id": lambda world, user: _decision(world, user).batch,
}
"""What a variable of an address is replaced by; `user` is who asks (nobody has one of their own).

A key may also be an address and a variable: ``"thesaurus/{entry_id} entry_id"``.
"""

Request = Callable[[World], Mapping[str, Any]]

REQUESTS: dict[str, Request] = {
    "POST runs": lambda world: {
        "data": {"library": world.library.pk, "classifiers": [world.classifier.name]}
    },
    "POST bulk": lambda world: {"data": {"library": world.library.pk, "operation": "write"}},
    "POST bulk/preview": lambda world: {"data": {"library": world.library.pk}},
    "POST groups/{group_id}/members": lambda world: {"data": {"user": world.other_user.username}},
    "POST libraries/{library_id}/removal": lambda world: {"data": {"name": world.library.name}},
    "POST webhooks": lambda world: {
        "data": {
            "library": world.library.pk,
            "url": "https://hooks.example/",
            "events": ["run.finished"],
        }
    },
    "POST review/decisions": lambda world: {
        "data": {"item": _review_item(world), "action": "skip"}
    },
    "POST review/decisions/preview": lambda world: {"data": {"item": _review_item(world)}},
    "GET exports": lambda world: {
        "QUERY_STRING": f"library={world.library.pk}&format=csv",
    },
}
"""What a request needs besides its address, as the test client takes it."""


def example_of(path: str, variable: str) -> Example | None:
    """Return what stands for a variable of an address; None if nothing does yet."""
    return VARIABLES.get(f"{path} {variable}") or VARIABLES.get(variable)


def address(path: str, variables: list[str], world: World, user: User) -> str:
    """Return the address of a path with its variables filled in."""
    values: dict[str, object] = {}
    for name in variables:
        example = example_of(path, name)
        assert example is not None, f"There is no example of {name!r} yet."
        values[name] = example(world, user)
    return f"/api/v1/{path.format(**values)}"
