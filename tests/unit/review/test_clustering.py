from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark.review.clustering import group_sounds

Vector = npt.NDArray[np.float32]


def at(angle: float, length: float = 1.0) -> Vector:
    radians = np.radians(angle)
    return np.array([np.cos(radians), np.sin(radians)], dtype=np.float32) * np.float32(length)


def test_a_sound_joins_the_nearest_leader_and_else_becomes_one():
    grouping = group_sounds([at(0), at(10), at(90), at(88, length=7.0)], [at(5)])

    assert grouping.members == (0, 0, 1, 1)
    assert grouping.leaders == (2,)


def test_a_sound_the_classifier_had_nothing_to_say_of_is_near_to_nothing():
    nothing = np.zeros(2, dtype=np.float32)

    assert group_sounds([nothing, nothing], [at(0)]).members == (None, None)


def test_there_are_never_more_leaders_than_allowed():
    grouping = group_sounds([at(90), at(180), at(91)], [at(0)], most=2)

    assert grouping.members == (1, None, 1)
    assert grouping.leaders == (0,)


def test_the_first_sound_of_all_leads():
    assert group_sounds([at(0)], []).members == (0,)
