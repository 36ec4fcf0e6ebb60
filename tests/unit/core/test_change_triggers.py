"""Triggers say of themselves by what declaration they were made, and fit into any database."""

from __future__ import annotations

import pytest

from earmark.core.change_triggers import Notes, Source, drop_trigger, make_triggers

NOTES = Notes("review_duefile", "file_id")
TAGS = Source("tagging_tag", "file_id", ("name", "confidence"))
VENDORS = pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])


def names(vendor: str, *sources: Source, notes: Notes = NOTES) -> list[str]:
    return [one.name for one in make_triggers(vendor, notes, sources)]


@VENDORS
def test_each_table_has_one_for_each_kind_of_statement(vendor: str) -> None:
    made = names(vendor, TAGS, Source("library_audiofile", "id", ("path",)))
    assert [name.rpartition("_")[0] for name in made] == [
        f"review_duefile__{event}_{table}"
        for table in ("tagging_tag", "library_audiofile")
        for event in ("insert", "update", "delete")
    ]


@VENDORS
@pytest.mark.parametrize(
    "other",
    [
        Source("tagging_tag", "id", ("name", "confidence")),
        Source("tagging_tag", "file_id", ("name", "origin")),
    ],
    ids=["key", "columns"],
)
def test_another_declaration_gives_other_names(vendor: str, other: Source) -> None:
    assert names(vendor, TAGS) == names(vendor, TAGS)
    assert names(vendor, TAGS)[1] != names(vendor, other)[1]


@VENDORS
def test_names_are_as_short_as_databases_want_them_and_differ_all_the_same(vendor: str) -> None:
    long = Source("an_app_with_a_very_long_name_and_a_table_with_one", "id", ("path",))
    made = names(vendor, long, notes=Notes("another_app_with_a_long_name", "file_id"))
    assert {len(name) for name in made} == {63}
    assert len(set(made)) == 3


def test_what_postgres_calls_goes_with_the_trigger() -> None:
    [name, *_] = names("postgresql", TAGS)
    assert drop_trigger("postgresql", name) == f"DROP FUNCTION {name}() CASCADE"
    assert drop_trigger("sqlite", name) == f"DROP TRIGGER {name}"
