"""The rules of the container, the odd ones too."""

from __future__ import annotations

import pytest

from earmark.uploads.max.contract import (
    BadRequestError,
    list_predictions,
    read_filter,
    read_start,
    require_inside,
    require_wav,
)

FIVE = [
    {"label_id": f"/m/{name}", "label": name, "score": 0.9 - number / 10}
    for number, name in enumerate(["Gunshot, gunfire", "Cap gun", "Clang", "Ding", "Bell", "Dog"])
]


@pytest.mark.parametrize("kind", ["audio/wav", "audio/x-wav", "audio/vnd.wave;wav", "audio/wave"])
def test_every_media_type_of_wav_passes(kind: str):
    require_wav(kind)


@pytest.mark.parametrize("kind", ["", "audio/mpeg", "text/x-python", "application/wav"])
def test_other_media_types_are_named_in_the_refusal(kind: str):
    with pytest.raises(BadRequestError) as caught:
        require_wav(kind)
    message = f"Invalid file type/extension: {kind}"
    assert caught.value.body == {"status": "error", "message": message}


@pytest.mark.parametrize(
    ("values", "start"), [([], 0.0), (["1.5"], 1.5), (["2", "x"], 2.0), (["-0.5"], 0.0)]
)
def test_the_first_start_time_counts_and_a_little_before_the_sound_is_its_beginning(
    values: list[str], start: float
):
    assert read_start(values) == start


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e999", "1e300"])
def test_a_start_time_that_no_sound_has_is_refused(value: str):
    with pytest.raises(BadRequestError) as caught:
        read_start([value])
    assert caught.value.body["message"] == "Invalid start time: value outside audio clip"


def test_a_start_time_that_is_no_number_is_refused_as_any_parameter():
    with pytest.raises(BadRequestError) as caught:
        read_start(["soon"])
    assert list(caught.value.body) == ["errors", "message"]
    assert caught.value.body == {
        "errors": {
            "start_time": "The number of seconds into the audio file the prediction should start "
            "at. could not convert string to float: 'soon'"
        },
        "message": "Input payload validation failed",
    }


@pytest.mark.parametrize(
    ("start", "duration", "inside"),
    [
        (0.0, 10.0, True),
        (9.5, 10.0, True),  # in the tenth stretch of 0.96 s
        (9.7, 10.0, False),  # the eleventh is not complete
        (9.6, 20.0, True),
        (30.0, 20.0, False),
        (0.0, 0.2, True),
        (1.0, 0.2, False),
    ],
)
def test_a_start_time_counts_in_stretches_of_the_original(
    start: float, duration: float, inside: bool
):
    if inside:
        require_inside(start, duration)
        return
    with pytest.raises(BadRequestError):
        require_inside(start, duration)


def test_five_predictions_are_the_most():
    found = list_predictions(FIVE, None)

    assert [list(one) for one in found] == [["label_id", "label", "probability"]] * 5
    assert [one["label"] for one in found] == [one["label"] for one in FIVE[:5]]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["Cap gun"], ["Cap gun"]),
        (["Ding,Clang"], ["Clang", "Ding"]),
        (["Ding", "Clang"], ["Clang", "Ding"]),
        (["Dog"], []),  # a label, but the sixth
        (["Gunshot, gunfire"], []),  # its name cannot be written
        (["cap gun"], []),
        ([" Cap gun"], []),
        ([""], 5),
        ([",,"], 5),
        ([" , "], 5),
        ([], 5),
    ],
)
def test_the_filter_takes_labels_to_the_letter_and_an_empty_one_is_none(
    values: list[str], labels: list[str] | int
):
    found = [one["label"] for one in list_predictions(FIVE, read_filter(values))]
    assert found == labels if isinstance(labels, list) else len(found) == labels
