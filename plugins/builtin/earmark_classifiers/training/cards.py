"""Model cards of bundled classifiers: the place for figures, and how numbers stand there."""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""What is between them is made of the figures."""


def place_figures(page: Path, text: str) -> None:
    """Put Markdown between the marks of a page, instead of what is there.

    Raises
    ------
    ValueError
        If the page has no such place.
    """
    page.write_text(with_figures(page.read_text("utf-8"), text), "utf-8")


def with_figures(card: str, text: str) -> str:
    """Return a card with what is between its marks replaced; see `place_figures`."""
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest:
        raise ValueError(f"the card needs {BEGIN} and {END} once")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure as text; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
