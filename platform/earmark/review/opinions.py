"""What follows for an item from what reviewers said about it. Pure functions.

One reviewer is enough, two where the item was drawn for comparison. Where two disagree, or one
cannot tell, a further reviewer is asked; the majority decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"

SAYS = {"accept": RIGHT, "add": RIGHT, "reject": WRONG, "replace": WRONG, "unsure": UNSURE}
"""What each action says about the tag."""

MOST_UNSURE = 2
"""After so many who could not tell, nobody else is asked."""


@dataclass(frozen=True)
class Opinion:
    """One reviewer's standing word: the decision's number and its action."""

    decision: int
    action: str

    @property
    def says(self) -> str:
        """`RIGHT`, `WRONG` or `UNSURE`."""
        return SAYS[self.action]


@dataclass(frozen=True)
class Outcome:
    """What follows.

    Attributes
    ----------
    verdict : str
        Empty while somebody else is to be asked.
    effect : int or None
        The decision that the tags follow: the first one of the leading side. While two disagree
        that is the first of all.
    """

    verdict: str
    effect: int | None


def settle(opinions: Sequence[Opinion], *, wanted: int) -> Outcome:
    """Say what follows from opinions, oldest first, where so many are wanted."""
    firm = [one for one in opinions if one.says != UNSURE]
    unsure = len(opinions) - len(firm)
    if not firm:
        return Outcome(UNSURE if unsure >= MOST_UNSURE else "", None)
    sides = {side: [one.decision for one in firm if one.says == side] for side in (RIGHT, WRONG)}
    first = firm[0].says
    other = WRONG if first == RIGHT else RIGHT
    leading = other if len(sides[other]) > len(sides[first]) else first
    tied = len(sides[RIGHT]) == len(sides[WRONG])
    enough = len(firm) >= wanted or unsure >= MOST_UNSURE
    return Outcome(leading if enough and not tied else "", sides[leading][0])
