from __future__ import annotations

from typing import Any

from earmark.review.candidates import CALIBRATION_SHARE, Candidate, TagRow, find_candidates
from earmark.review.ranking import LEVELS
from earmark.tagging.knowledge import TagPolicy

POLICY = TagPolicy()


def tag(
    name: str = "Dog",
    confidence: float = 0.2,
    decision: str = "review",
    rule: str = "between-review-and-accept",
    origin: str = "classifier",
) -> TagRow:
    why: dict[str, Any] = {"rule": rule, "via": [], "votes": [["ear@1", confidence, 0.0, 1.0]]}
    return TagRow(name, confidence, decision, name, f"/m/{name}", origin, why)


def find(*tags: TagRow, audio: str = "a", policy: TagPolicy = POLICY) -> list[Candidate]:
    return list(find_candidates(tags, audio_hash=audio, policy=policy))


def test_what_waits_for_review_is_asked_about_with_its_reason():
    found = find(
        tag("Dog"),
        tag("Cat", 0.9, rule="contradicts-a-person"),
        tag("Patter", 0.9, rule="blacklisted-label"),
        tag("Bark", 0.3, rule="tied-with-sibling"),
    )

    assert [one.kind for one in found] == ["band", "conflict", "blacklisted", "band"]
    assert {one.classifier for one in found} == {"ear@1"}


def test_the_nearer_to_the_threshold_the_more_urgent():
    near, far = find(tag("Dog", 0.249), tag("Cat", 0.101))

    assert (near.urgency, far.urgency) == (0, LEVELS - 1)
    own = TagPolicy(label_thresholds={"Dog": 0.12})
    assert find(tag("Dog", 0.119), policy=own)[0].urgency == 0
    assert find(tag("Cat", 0.9, rule="contradicts-a-person"))[0].urgency == 0


def test_of_accepted_labels_a_random_slice_is_asked_about_always_the_same():
    accepted = tag(confidence=0.9, decision="accept", rule="threshold")

    drawn = [audio for audio in map(str, range(4000)) if find(accepted, audio=audio)]

    assert 0.8 < len(drawn) / (4000 * CALIBRATION_SHARE) < 1.2
    assert drawn == [audio for audio in map(str, range(4000)) if find(accepted, audio=audio)]
    found = [find(accepted, audio=audio)[0] for audio in drawn]
    assert {one.kind for one in found} == {"calibration"}
    assert {one.urgency for one in found} == set(range(LEVELS))


def test_words_that_only_follow_from_a_label_are_not_asked_about():
    words = [
        tag("Hound", 0.9, "accept", "synonym-of-label", "synonym"),
        tag("Animal", 0.9, "accept", "parent-of-label", "ontology"),
        tag("Doggy", 0.9, "accept", "other-name-of-label", "classifier"),
    ]

    assert not any(find(*words, audio=str(n)) for n in range(500))


def test_a_tenth_of_the_items_wants_two_reviewers():
    wanted = [find(tag(), audio=str(n))[0].wanted for n in range(2000)]

    assert set(wanted) == {1, 2}
    assert 140 < wanted.count(2) < 260
