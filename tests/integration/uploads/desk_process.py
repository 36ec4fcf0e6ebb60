"""A worker that takes uploads, for tests that kill it: ``desk_process.py DATABASE FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.conf import settings


def main(database: str, folder: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    settings.DATA_DIR = Path(folder)
    django.setup()
    from earmark_workers.pipeline.stopping import StopRequest
    from earmark_workers.pipeline.uploads import UploadDesk

    with StopRequest() as stop:
        UploadDesk(stop=stop, device="cpu").serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
