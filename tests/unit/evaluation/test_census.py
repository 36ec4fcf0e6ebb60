from __future__ import annotations

import json

import pytest

from earmark_classifiers.evaluation.census import ClipFacts, take_census

SILENCE = 1e-3


def fact(name: str, label: str = "Dog", **more: object) -> ClipFacts:
    values = {
        "group": name, "seconds": 2.0, "sample_rate": 48_000, "channels": 1, "peak": 0.5,
        "identity": f"wav-data:{name}",
    }  # fmt: skip
    return ClipFacts(name=name, labels=(label,), **values | more)


def problems(*facts: ClipFacts) -> dict[str, tuple[str, ...]]:
    labels = sorted({label for one in facts for label in one.labels})
    return {p.code: p.names for p in take_census(facts, labels, SILENCE).problems}


def test_classes_are_counted_by_what_can_be_read() -> None:
    broken = ClipFacts("c.wav", ("Dog",), "c.wav", code="truncated", message="It is cut short.")
    census = take_census(
        [fact("a.wav", group="x"), fact("b.wav", group="x"), broken], ["Cat", "Dog"], SILENCE
    )
    cat, dog = census.classes
    assert (cat.clips, dog.clips, dog.recordings, dog.seconds) == (0, 2, 1, 4.0)
    told = json.loads(json.dumps(census.as_json(), allow_nan=False))
    assert (told["clips"], told["readable"], told["sample_rates"]) == (3, 2, {"48000": 2})
    assert told["durations"] == {"shortest": 2.0, "median": 2.0, "longest": 2.0}


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("silent", [fact("a.wav", peak=1e-4)]),
        ("too_short", [fact("a.wav", seconds=0.05)]),
        ("unreadable", [ClipFacts("a.wav", ("Dog",), "a.wav", code="not_audio", message="No.")]),
        ("duplicate", [fact("a.wav"), fact("b.wav", identity="wav-data:a.wav")]),
        ("contradiction", [fact("a.wav"), fact("b.wav", "Cat", identity="wav-data:a.wav")]),
    ],
)
def test_each_fault_of_a_clip_is_named(code: str, facts: list[ClipFacts]) -> None:
    assert problems(*facts)[code] == tuple(one.name for one in facts)


def test_classes_too_small_to_train_and_to_judge_are_told_apart() -> None:
    few = [fact(f"d{n}.wav") for n in range(19)]
    enough = [fact(f"c{n}.wav", "Cat") for n in range(20)]
    one = [fact("b.wav", "Bell")]
    found = problems(*few, *enough, *one)
    assert found == {"small_class": ("Dog",), "untrainable_class": ("Bell",)}


def test_a_set_of_nothing_readable_has_a_census() -> None:
    told = take_census([], ["Dog"], SILENCE).as_json()
    assert told["durations"]["median"] is None
    assert told["problems"][0]["code"] == "untrainable_class"
