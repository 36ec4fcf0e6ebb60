"""Rules are put together from what is installed where Earmark keeps its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earmark.tagging.knowledge import lexicon
from earmark.tagging.knowledge.synonyms import tables_version
from earmark.tagging.rules import rules_for
from tests.factories import LibraryFactory

pytestmark = pytest.mark.django_db


def test_synonyms_are_those_of_the_data_folder_also_after_another_one(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexicon, "nltk_folders", list)
    wordnet = tmp_path / "with" / lexicon.NLTK_DATA / "corpora" / "wordnet"
    wordnet.mkdir(parents=True)
    for name in ("data.noun", "lexnames", "index.sense"):
        (wordnet / name).write_text(f"WordNet {lexicon.WORDNET_VERSION} Copyright")
    library = LibraryFactory()

    versions = []
    for folder in ("with", "without", "with"):
        settings.DATA_DIR = tmp_path / folder
        versions.append(rules_for(library, []).lexicon)

    assert versions == [tables_version(), "", tables_version()]
