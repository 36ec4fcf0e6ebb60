"""docs/metadata-fields.md names every slot and every error code there is."""

from __future__ import annotations

from pathlib import Path

import earmark_files.metadata as package
from earmark_files.metadata import errors, id3_frames, ixml, mp4, riff, vorbis

PAGE = (Path(__file__).parents[3] / "docs" / "metadata-fields.md").read_text("utf-8")
OVERVIEW = package.__doc__ or ""


def test_every_slot_is_in_the_table_of_fields() -> None:
    slots = (
        *ixml.SLOTS,
        riff.BEXT_SLOT,
        *riff.INFO_SLOTS,
        *id3_frames.SLOTS,
        *vorbis.SLOTS,
        *mp4.SLOTS,
    )
    for slot in slots:
        group, _, name = slot.name.partition("/")
        shown = {
            "ixml": name.replace("STEINBERG/", ""),
            "bext": "bext Description",
            "mp4": name if ":" not in name else f"----:{name}",
        }.get(group, name)
        assert shown in PAGE, slot.name


def test_every_error_code_is_named_for_users_and_for_programmers() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type)]
    codes = {c.default_code for c in classes if issubclass(c, errors.MetadataError)}
    for code in codes - {"metadata_error"}:
        assert f"`{code}`" in PAGE, code
        assert f"``{code}``" in OVERVIEW, code
