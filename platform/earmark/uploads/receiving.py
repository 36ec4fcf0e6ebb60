"""From a multipart request to a file in the uploads folder, without a stop in memory."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from earmark.uploads.errors import UploadTooLargeError
from earmark.uploads.models import new_upload_id
from earmark.uploads.storage import Received

FIELD = "audio"


class ReceivedFile(UploadedFile):  # type: ignore[type-arg]  # no generic at run time
    """The file of a form, as it lies in the uploads folder."""

    received: Received

    def close(self) -> None:
        """Do nothing: what is open is the `Receiver`'s."""


class Receiver(FileUploadHandler):
    """Writes the file of the field `audio` to disk while it comes, and refuses it when too large.

    Files in other fields, and further ones in this field, are thrown away as they come.
    """

    chunk_size = 1 << 18

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._received: Received | None = None

    def new_file(self, field_name: str, *args: Any, **extra: Any) -> None:
        """Start the file, or skip it."""
        super().new_file(field_name, *args, **extra)
        if field_name != FIELD or self._received is not None:
            raise SkipFile
        self._received = Received(new_upload_id())

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a piece.

        Raises
        ------
        UploadTooLargeError
            If the file has become too large with it.
        """
        assert self._received is not None
        limit = settings.EARMARK_UPLOAD_MAX_MB << 20
        if start + len(raw_data) > limit:
            raise UploadTooLargeError(
                f"The file has more than {settings.EARMARK_UPLOAD_MAX_MB} MB.",
                context={"limit": limit},
            )
        self._received.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        """Return the file."""
        assert self._received is not None
        file = ReceivedFile(
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
        file.received = self._received
        return file

    def discard(self) -> None:
        """Delete what came; harmless when an upload was made of it, or nothing came."""
        if self._received is not None:
            self._received.discard()


def install_receiver(request: HttpRequest) -> Receiver:
    """Have the body of a request that nobody has read yet received by a `Receiver`."""
    receiver = Receiver(request)
    request.upload_handlers = [receiver]
    return receiver
