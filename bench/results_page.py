"""Pages of results that are measured in pieces: each piece replaces its own section."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from machine import describe_machine


def keep_section(page: Path, *, head: str, title: str, lines: Sequence[str]) -> None:
    """Write a section with the machine and the date, beside those of other pieces; show it.

    Parameters
    ----------
    page : Path
    head : str
        Title of the page.
    title : str
        Of the section; one with the same title is replaced. They are sorted, numbers by value.
    lines : sequence of str
    """
    known = page.read_text("utf-8").split("\n## ")[1:] if page.exists() else []
    sections = {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in known}
    sections[title] = "\n".join([f"## {title}\n", describe_machine(), "", *lines, ""])
    parts = [sections[name] for name in sorted(sections, key=_by_number)]
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join([f"# {head}\n", *parts]), "utf-8")
    sys.stdout.write(sections[title])


def _by_number(title: str) -> list[tuple[int, str]]:
    words = re.split(r"([\d,]+)", title)
    return [(int(w.replace(",", "") or 0), "") if w[:1].isdigit() else (0, w) for w in words]
