"""The tags of a file: what there is, and changes by people, with the file that follows them."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponseNotModified
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.etags import IF_MATCH, IF_NONE_MATCH, is_unchanged, make_etag, require_match
from earmark.core.api.idempotency import idempotent
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView
from earmark.core.errors import NotFoundError
from earmark.library.access import Role, require_file
from earmark.library.models import AudioFile
from earmark.library.services import lock_files
from earmark.tagging.api.serializers import FileTagsSerializer, file_tags_values
from earmark.tagging.models import TagChange, TagSet
from earmark.tagging.selectors import get_tags
from earmark.tagging.services import Words, change_tags, undo_change
from earmark.writeback.api.serializers import ChangedTagsSerializer, RemovalQuery, TagsInput
from earmark.writeback.asking import follow_tags


class FileTagsView(ApiView):
    """The tags of a file."""

    access = {
        "get": Access(Scope.READ, Role.VIEWER),
        "post": Access(Scope.WRITE, Role.EDITOR),
        "delete": Access(Scope.WRITE, Role.EDITOR),
    }
    serializer_class = FileTagsSerializer

    @extend_schema(
        operation_id="files_tags_retrieve",
        parameters=[IF_NONE_MATCH],
        responses={200: FileTagsSerializer, 304: None},
    )
    def get(self, request: Request, file_id: int) -> HttpResponseBase:
        """Return all words with their reasons; the ETag is wanted for changes."""
        file = require_file(request.user, file_id, self.role)
        tag_set = TagSet.objects.filter(file=file).first()
        etag = etag_of(file, tag_set)
        if is_unchanged(request, etag):
            return HttpResponseNotModified(headers={"ETag": etag})
        told = FileTagsSerializer(_values(file, tag_set)).data
        return Response(told, headers={"ETag": etag})

    @extend_schema(
        operation_id="files_tags_create",
        parameters=[IF_MATCH],
        request=TagsInput,
        responses={200: ChangedTagsSerializer, **errors(409, 412, 428)},
    )
    @idempotent
    def post(self, request: Request, file_id: int) -> Response:
        """Add, remove or replace words; what a person says comes before all rules, for good.

        `If-Match` refuses the change if somebody else was quicker. To replace all words it is
        needed: what nobody has seen shall not be thrown away.
        """
        file = require_file(request.user, file_id, self.role)
        values = self.read_input(TagsInput)
        write, comment = values.pop("write"), values.pop("comment")
        return self._change(request, file, Words.of(values), comment, write)

    @extend_schema(
        operation_id="files_tags_destroy",
        parameters=[IF_MATCH, RemovalQuery],
        responses={200: ChangedTagsSerializer, **errors(409, 412)},
    )
    def delete(self, request: Request, file_id: int) -> Response:
        """Say that words do not belong to the file; no derivation brings them back."""
        file = require_file(request.user, file_id, self.role)
        values = self.read_input(
            RemovalQuery,
            {
                "name": request.query_params.getlist("name"),
                "comment": request.query_params.get("comment", ""),
            },
        )
        words = Words(remove=tuple(values["name"]))
        return self._change(request, file, words, values["comment"], None)

    def _change(
        self, request: Request, file: AudioFile, words: Words, comment: str, write: bool | None
    ) -> Response:
        with transaction.atomic():
            lock_files(file_ids=[file.pk])
            seen = etag_of(file, TagSet.objects.filter(file=file).first())
            require_match(request, seen, needed=words.replace is not None)
            user = cast(User, request.user)
            (change,) = change_tags(files=[file], words=words, by=user, comment=comment)
            writes = follow_tags(file_ids=[file.pk], write=write)
        return answer_change(file, change, writes=bool(writes))


class TagChangeUndoView(ApiView):
    """Take back what a person did to the words of a file."""

    access = {"post": Access(Scope.WRITE, Role.EDITOR)}
    serializer_class = ChangedTagsSerializer

    @extend_schema(
        parameters=[IF_MATCH],
        request=None,
        responses={200: ChangedTagsSerializer, **errors(409, 412)},
    )
    @idempotent
    def post(self, request: Request, file_id: int, change_id: int) -> Response:
        """Undo the change; later ones stand, and the file follows if Earmark keeps it up."""
        file = require_file(request.user, file_id, self.role)
        with transaction.atomic():
            lock_files(file_ids=[file.pk])
            change = TagChange.objects.filter(pk=change_id, file=file).first()
            if change is None:
                raise NotFoundError("There is no such change.")
            require_match(request, etag_of(file, TagSet.objects.filter(file=file).first()))
            change = undo_change(change=change, by=cast(User, request.user))
            writes = follow_tags(file_ids=[file.pk])
        return answer_change(file, change, writes=bool(writes))


def etag_of(file: AudioFile, tag_set: TagSet | None) -> str:
    """Return the ETag of a file's tags."""
    return make_etag("tags", file.pk, tag_set.version if tag_set else 0)


def answer_change(file: AudioFile, change: TagChange, *, writes: bool) -> Response:
    """Return the tags after a change, with their new ETag."""
    tag_set = TagSet.objects.filter(file=file).first()
    values = {**_values(file, tag_set), "change": change, "writes": writes}
    told = ChangedTagsSerializer(values).data
    return Response(told, headers={"ETag": etag_of(file, tag_set)})


def _values(file: AudioFile, tag_set: TagSet | None) -> dict[str, Any]:
    return file_tags_values(file, tag_set, get_tags(file_ids=[file.pk])[file.pk])
