"""A small library of sounds with tags, indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.utils import timezone

from earmark.library.models import AudioFile, Library
from earmark.search.services import index_changes
from earmark.tagging.models import PolicyVersion, Tag, TagBasis, TagSet
from tests.factories import AudioFileFactory, LibraryFactory

TagRow = tuple[str, float | None] | tuple[str, float | None, str]


@pytest.fixture
def library() -> Library:
    return LibraryFactory(name="Weather and more", root="/sounds")


@pytest.fixture
def add(library: Library, db: None) -> Callable[..., AudioFile]:
    """Return what adds a file with tags: ``add("Rain/a.wav", ("Rain", 0.9), words=["Water"])``."""

    def add_file(
        path: str,
        *tags: TagRow,
        words: Sequence[str] = (),
        catid: str = "",
        into: Library | None = None,
        models: Sequence[str] = ("audioset@1.1.0",),
        **columns: object,
    ) -> AudioFile:
        from earmark.library.paths import path_key

        file = AudioFileFactory(
            library=into or library,
            path=path,
            path_key=path_key(path),
            **{"audio_hash": f"test:{path}", "container": "wav", "channels": 2} | columns,
        )
        basis, _ = TagBasis.objects.get_or_create(
            key="-".join(models),
            defaults={
                "classifiers": list(models),
                "policy": PolicyVersion.objects.get_or_create(key="p", values={})[0],
                "rules_version": 1,
            },
        )
        TagSet.objects.create(
            file=file,
            basis=basis,
            audio_hash=file.audio_hash,
            tags_key="x",
            search_words="\n".join([*(tag[0] for tag in tags), *words]),
            catid=catid,
            created_at=timezone.now(),
        )
        for name, confidence, *origin in tags:
            Tag.objects.create(
                file=file,
                name=name,
                confidence=confidence,
                origin=origin[0] if origin else Tag.Origin.CLASSIFIER,
                why={"rule": "threshold", "via": [], "votes": []},
                created_at=timezone.now(),
            )
        return file

    return add_file


@pytest.fixture
def indexed() -> Callable[[], None]:
    """Return what brings the index up to date."""

    def bring() -> None:
        assert index_changes().finished

    return bring
