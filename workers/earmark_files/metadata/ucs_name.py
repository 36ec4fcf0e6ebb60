"""File names after the Universal Category System: ``CatID_FXName_CreatorID_SourceID``.

Source: UCS file naming convention,
``CatID(-UserCategory)_(VendorCategory-)FXName_CreatorID_SourceID(_UserData)``.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import PurePath

_CATID = re.compile(r"[A-Z][A-Z0-9]{1,5}[A-Z0-9a-z]{1,8}")


@dataclass(frozen=True)
class UcsName:
    """The blocks of a UCS file name; those that are not there are empty."""

    catid: str
    user_category: str = ""
    vendor_category: str = ""
    fx_name: str = ""
    creator: str = ""
    source: str = ""
    user_data: str = ""


def parse_ucs_name(name: str, catids: Container[str] | None = None) -> UcsName | None:
    """Split a file name; None when it does not follow the convention.

    Parameters
    ----------
    name : str
        File name with or without extension.
    catids : container of str, optional
        The known CatIDs. Without it a name is believed only if it has all four blocks and the
        first looks like a CatID (capitals, then a mixed-case rest).
    """
    blocks = PurePath(name).stem.split("_", 4)
    catid, _, user_category = blocks[0].partition("-")
    if catids is not None:
        if catid not in catids or len(blocks) < 2:
            return None
    elif len(blocks) < 4 or not _CATID.fullmatch(catid) or catid.isupper():
        return None
    blocks += [""] * (5 - len(blocks))
    vendor, dash, title = blocks[1].partition("-")
    if not dash:
        vendor, title = "", blocks[1]
    return UcsName(catid, user_category, vendor, title, blocks[2], blocks[3], blocks[4])
