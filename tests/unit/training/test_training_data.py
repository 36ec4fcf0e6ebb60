"""Training data: what folders and tables mean, and splits that keep recordings together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from earmark_classifiers.training.data import (
    Dataset,
    LabelledClip,
    Split,
    read_dataset,
    stratified_folds,
    stratified_split,
)
from earmark_classifiers.training.errors import DataError

DECOMPOSED = {"Tür": 2, "Tu\u0308r": 2}
"""One name for people, written in two ways."""


def folders(root: Path, **counts: int) -> Path:
    """Class folders with files whose content does not matter, each another."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.wav").write_text(f"{name} {number}")
    return root


def table(root: Path, text: str) -> Path:
    for line in text.strip().splitlines()[1:]:
        if name := line.partition(",")[0]:
            (root / name).write_text(line)
    path = root / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def clips(labels: str, *, per_class: int = 10, per_group: int = 1) -> Dataset:
    made = [
        LabelledClip(Path(f"{label}{n}.wav"), (label,), group=f"{label}{n // per_group}")
        for label in labels
        for n in range(per_class)
    ]
    return Dataset(tuple(labels), tuple(made))


def groups(part: tuple[LabelledClip, ...]) -> set[str]:
    return {clip.group for clip in part}


def test_each_folder_is_a_class_and_holds_its_sounds_at_any_depth(tmp_path: Path):
    folders(tmp_path, **{"Tür": 2, "cat/inside": 1, "cat/outside": 2, ".hidden": 1})
    (tmp_path / "cat" / "notes.txt").write_text("no sound")

    data = read_dataset(tmp_path)

    assert data.labels == ("Tür", "cat")
    assert data.counts() == {"Tür": 2, "cat": 3}
    assert {clip.split for clip in data.clips} == {""}


def test_a_table_tells_label_split_and_group_and_several_labels(tmp_path: Path):
    source = table(
        tmp_path,
        "path,label,split,group,comment\n"
        "a.wav,door/wood,train,g1,x\na.wav,squeak,train,g1,\nb.wav,door/wood,val,g2,\n",
    )

    data = read_dataset(source)

    assert data.labels == ("door/wood", "squeak")
    assert data.clips == (
        LabelledClip(tmp_path / "a.wav", ("door/wood", "squeak"), "g1", "train"),
        LabelledClip(tmp_path / "b.wav", ("door/wood",), "g2", "val"),
    )


def test_an_empty_label_is_a_sound_of_no_class_where_the_data_may_have_them(tmp_path: Path):
    source = table(tmp_path, "path,label\na.wav,\nb.wav,cat\nb.wav,\nc.wav,dog\nc.wav,cat\n")

    data = read_dataset(source, negatives=True)

    assert data.labels == ("cat", "dog")
    assert [clip.labels for clip in data.clips] == [(), ("cat",), ("dog", "cat")]
    assert data.counts() == {"cat": 2, "dog": 1}
    with pytest.raises(DataError, match="row 2 has no path or no label"):
        read_dataset(source)


def test_sounds_of_no_class_are_on_both_sides_of_a_split_and_in_one_fold_each():
    kinds = [("cat",)] * 10 + [("dog", "cat")] * 10 + [()] * 10
    clips = tuple(LabelledClip(Path(f"{i}.wav"), kind, f"g{i}") for i, kind in enumerate(kinds))
    data = Dataset(("cat", "dog"), clips)
    held_back = Counter(clip.labels for clip in stratified_split(data, 0.2).validation)
    assert held_back[()] == 2
    folds = [Counter(clip.labels for clip in s.validation) for s in stratified_folds(data, 5)]
    assert [fold[()] for fold in folds] == [2] * 5
    without = Dataset(data.labels, clips[:20])
    assert stratified_split(without, 0.2).validation == tuple(
        clip for clip in stratified_split(data, 0.2).validation if clip.labels
    )


def test_a_table_made_by_a_spreadsheet_is_read(tmp_path: Path):
    source = table(tmp_path, "path,label\na.wav,Tür\nb.wav,cat\n")
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes().replace(b"\n", b"\r\n"))

    assert read_dataset(source).labels == ("Tür", "cat")


def test_copies_of_a_file_are_one_group(tmp_path: Path):
    folders(tmp_path, dog=3, cat=2)
    (tmp_path / "dog" / "copy.wav").write_bytes((tmp_path / "dog" / "1.wav").read_bytes())

    data = read_dataset(tmp_path)

    sizes = Counter(clip.group for clip in data.clips)
    assert sorted(sizes.values()) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda root: root / "none", "data_not_found", "no folder or CSV"),
        (lambda root: folders(root, cat=2, dog=0), "empty_class", "'dog'"),
        (lambda root: folders(root, cat=2), "one_class", "two at least"),
        (lambda root: root, "empty_class", "holds no folders"),
        (lambda root: folders(root, Cat=2, cat=2), "duplicate_class", "'Cat' and 'cat'"),
        (
            lambda root: folders(root, **DECOMPOSED),
            "duplicate_class",
            "'Tür' and 'Tür'",
        ),
        (lambda root: table(root, "file,class\nx.wav,cat\n"), "bad_table", "columns path"),
        (lambda root: table(root, "path,label\n"), "empty_class", "lists no sounds"),
        (lambda root: table(root, "path,label\na.wav,\n"), "bad_table", "row 2"),
        (lambda root: table(root, "path,label,split\na.wav,b,test\n"), "bad_table", "'test'"),
        (lambda root: table(root, "path,label\na.wav,a\x07b\n"), "bad_class_name", "no name"),
    ],
)
def test_data_that_cannot_be_used_are_refused_with_the_reason(
    tmp_path: Path, make, code: str, words: str
):  # type: ignore[no-untyped-def]
    source = make(tmp_path)
    with pytest.raises(DataError, match=words) as refused:
        read_dataset(source)
    assert refused.value.code == code


def test_sounds_a_table_lists_but_nobody_has_are_named(tmp_path: Path):
    source = table(tmp_path, "path,label\na.wav,a\nb.wav,b\n")
    (tmp_path / "b.wav").unlink()
    with pytest.raises(DataError, match=r"1 of the sounds.*b\.wav") as refused:
        read_dataset(source)
    assert refused.value.code == "data_not_found"


def test_a_file_that_is_no_table_is_refused(tmp_path: Path):
    source = tmp_path / "sound.wav"
    source.write_bytes(b"RIFF\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="not a CSV"):
        read_dataset(source)


def test_a_split_keeps_a_fifth_of_each_class_back_and_groups_together():
    data = clips("ab", per_class=20, per_group=2)

    split = stratified_split(data, validation=0.2, seed=3)

    assert Counter(clip.labels[0] for clip in split.validation) == {"a": 4, "b": 4}
    assert not groups(split.train) & groups(split.validation)
    assert len(split.train) + len(split.validation) == 40


def test_the_seed_decides_the_split():
    data = clips("abc")
    assert stratified_split(data, seed=1) == stratified_split(data, seed=1)
    assert stratified_split(data, seed=1) != stratified_split(data, seed=2)


def test_two_recordings_are_enough_and_one_is_not():
    split = stratified_split(clips("ab", per_class=2))
    assert (len(split.train), len(split.validation)) == (2, 2)
    with pytest.raises(DataError, match="'a', 'b'") as refused:
        stratified_split(clips("ab", per_class=4, per_group=4))
    assert refused.value.code == "too_few_sounds"


def given(*splits: str, label: str = "ab") -> Dataset:
    made = [
        LabelledClip(Path(f"{n}.wav"), (label[n % 2],), f"g{n}", split)
        for n, split in enumerate(splits)
    ]
    return Dataset(("a", "b"), tuple(made))


def test_a_split_that_comes_with_the_data_is_believed():
    data = given("train", "train", "val", "val", "val")
    split = stratified_split(data)
    assert split == Split(data.clips[:2], data.clips[2:])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (given("train", "train", "val", ""), "1 sounds have neither"),
        (given("train", "train"), "0 have 'val'"),
        (given("train", "val", "train", "val"), "nothing to learn 'b' from"),
        (
            Dataset(
                ("a", "b"),
                tuple(
                    LabelledClip(Path(f"{n}.wav"), ("ab"[n % 2],), "same", ("train", "val")[n // 2])
                    for n in range(4)
                ),
            ),
            "group 'same'",
        ),
    ],
)
def test_a_given_split_that_proves_nothing_is_refused(data: Dataset, words: str):
    with pytest.raises(DataError, match=words):
        stratified_split(data)


def test_folds_try_every_clip_once_and_keep_groups_together():
    data = clips("abc", per_class=10, per_group=2)

    folds = stratified_folds(data, folds=5, seed=1)

    tried = [clip.path for fold in folds for clip in fold.validation]
    assert sorted(tried) == sorted(clip.path for clip in data.clips)
    for fold in folds:
        assert not groups(fold.train) & groups(fold.validation)
        assert Counter(clip.labels[0] for clip in fold.validation) == dict.fromkeys("abc", 2)


def test_small_classes_do_not_all_land_in_the_same_fold():
    folds = stratified_folds(clips("abcdef", per_class=2), folds=4)
    assert [len(fold.validation) for fold in folds] == [3, 3, 3, 3]


def test_a_group_of_two_classes_is_never_torn():
    shared = [
        LabelledClip(Path(f"{label}{n}.wav"), (label,), f"g{n}") for label in "ab" for n in range(6)
    ]
    split = stratified_split(Dataset(("a", "b"), tuple(shared)), validation=0.3)
    assert not groups(split.train) & groups(split.validation)
    assert len(split.validation) == 4
