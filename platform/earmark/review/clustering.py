"""Sounds that are nearly alike, found one batch after the other: greedy leader clustering.

A sound joins the first leader that is near enough, else it becomes one (Hartigan, *Clustering
Algorithms*, 1975, chapter 3). That needs one look at each sound, so clusters can grow for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NEAR = 0.95
"""Cosine of the angle between embeddings from which on sounds count as nearly identical."""

MOST_LEADERS = 256
"""Leaders of one label that a sound is compared with; what is near none of them stays alone."""


@dataclass(frozen=True)
class Grouping:
    """Where sounds belong.

    Attributes
    ----------
    members : tuple of int or None
        For each sound the place of its leader: among those there were, then the new ones. None
        where it has none.
    leaders : tuple of int
        Which of the sounds became leaders, in their order.
    """

    members: tuple[int | None, ...]
    leaders: tuple[int, ...]


def group_sounds(
    sounds: Sequence[npt.NDArray[np.float32]],
    leaders: Sequence[npt.NDArray[np.float32]],
    *,
    near: float = NEAR,
    most: int = MOST_LEADERS,
) -> Grouping:
    """Put each sound to a leader.

    Parameters
    ----------
    sounds, leaders : sequence of array
        Embeddings of one length; their norms do not matter. A sound that is all zeros, of which
        the classifier had nothing to say, is near to nothing.
    near : float
    most : int
        No new leader beyond so many.
    """
    known = [_unit(one) for one in leaders]
    members: list[int | None] = []
    new: list[int] = []
    for at, sound in enumerate(sounds):
        unit = _unit(sound)
        nearest = _nearest(unit, known)
        if nearest is not None and float(known[nearest] @ unit) >= near:
            members.append(nearest)
        elif unit.any() and len(known) < most:
            members.append(len(known))
            known.append(unit)
            new.append(at)
        else:
            members.append(None)
    return Grouping(tuple(members), tuple(new))


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm else vector


def _nearest(unit: npt.NDArray[np.float32], known: Sequence[npt.NDArray[np.float32]]) -> int | None:
    return int(np.argmax(np.stack(known) @ unit)) if known else None
