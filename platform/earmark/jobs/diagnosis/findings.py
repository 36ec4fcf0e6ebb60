"""What `jobs doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that keeps jobs from being done, or soon will.

    Attributes
    ----------
    code : str
        Stable name.
    problem : str
        One sentence: what is wrong.
    advice : str
        One sentence: what to do.
    """

    code: str
    problem: str
    advice: str
