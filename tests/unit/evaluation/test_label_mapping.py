from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.evaluation.mapping import (
    MappingError,
    class_scores,
    match_labels,
    read_label_table,
)
from earmark_plugin_api import Label

LABELS = (
    Label("/m/0bt9lr", "Dog"),
    Label("/m/07y_7", "Violin, fiddle"),
    Label("/m/01yrx", "Cat"),
    Label("/m/07qrkrw", "Meow"),
)


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def test_classes_match_by_id_and_by_name_in_any_spelling() -> None:
    found = match_labels(["/M/0BT9LR", "violin_or_fiddle", " cat"], LABELS)
    assert found == {"/M/0BT9LR": (0,), "violin_or_fiddle": (1,), " cat": (2,)}


def test_the_challenge_classes_with_a_comma_in_audioset_match_it() -> None:
    names = ["Gunshot_or_gunfire", "Burping_or_eructation", "Hi-hat", "Drawer_open_or_close"]
    labels = read_labels()
    found = match_labels(names, labels)
    assert [labels[columns[0]].name for columns in found.values()] == [
        "Gunshot, gunfire", "Burping, eructation", "Hi-hat", "Drawer open or close",
    ]  # fmt: skip


def test_an_id_goes_before_a_name_and_a_name_of_two_labels_is_none() -> None:
    labels = (Label("cat", "Lion"), Label("b", "Cat"), Label("c", "Horn"), Label("d", "horn"))
    assert match_labels(["cat"], labels) == {"cat": (0,)}
    with pytest.raises(MappingError, match="'horn'"):
        match_labels(["horn"], labels)


def test_other_names_of_a_label_match_where_no_label_has_that_name() -> None:
    names = {"/m/07y_7": ["Fiddle"], "/m/01yrx": ["Dog"]}
    assert match_labels(["fiddle", "dog"], LABELS, other_names=names) == {
        "fiddle": (1,), "dog": (0,),
    }  # fmt: skip


def test_all_classes_without_a_label_are_named_with_what_may_be_meant() -> None:
    with pytest.raises(MappingError) as caught:
        match_labels(["dogs", "Dog", "spaceship"], LABELS)
    assert caught.value.code == "labels_do_not_match"
    assert "'dogs' (did you mean 'Dog'?), 'spaceship'" in str(caught.value)
    assert "--labels" in str(caught.value)


def test_two_classes_with_one_meaning_are_refused() -> None:
    with pytest.raises(MappingError, match="'Dog' and '/m/0bt9lr' are both 'Dog'"):
        match_labels(["Dog", "/m/0bt9lr"], LABELS)


def test_a_table_says_what_classes_mean(tmp_path: Path) -> None:
    text = "label,means\nkitty,Cat\nkitty,/m/07qrkrw\nkitty,Katze\nhum,\n"
    found = match_labels(
        ["kitty", "hum", "Dog"], LABELS, table=read_label_table(table(tmp_path, text))
    )
    assert found == {"kitty": (2, 3), "Dog": (0,)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,means\na,b\n", "columns label and means"),
        ("label,means\n,b\n", "row 2 has no label"),
        ("", "columns label and means"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        read_label_table(table(tmp_path, text))
    with pytest.raises(MappingError, match="cannot be read"):
        read_label_table(tmp_path)


def test_the_best_label_of_a_class_counts() -> None:
    scores = np.array([[0.1, 0.2, 0.3, 0.9]], np.float32)
    np.testing.assert_array_equal(
        class_scores(scores, {"kitty": (2, 3), "dog": (0,)}), np.float32([[0.9, 0.1]])
    )


def test_what_a_detector_does_not_hear_is_the_other_class() -> None:
    found = match_labels(["background", "dog"], LABELS[:1])
    assert found == {"background": (), "dog": (0,)}
    scores = class_scores(np.array([[0.9], [0.2]], np.float32), found)
    np.testing.assert_allclose(scores, [[0.1, 0.9], [0.8, 0.2]], atol=1e-6)


def test_two_other_classes_are_too_many_for_a_detector() -> None:
    with pytest.raises(MappingError, match="'rain'"):
        match_labels(["background", "dog", "rain"], LABELS[:1])
