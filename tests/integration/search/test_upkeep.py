"""Workers bring the index up to date without being asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from earmark.library.models import AudioFile
from earmark.search.models import SearchChange, SearchDocument
from earmark_workers.pipeline.upkeep import sweep


@pytest.mark.django_db
def test_the_clock_takes_up_what_has_changed(add: Callable[..., AudioFile]) -> None:
    file = add("Rain.wav", ("Rain", 0.9))
    sweep()
    assert SearchDocument.objects.filter(file_id=file.pk).exists()
    assert not SearchChange.objects.exists()
