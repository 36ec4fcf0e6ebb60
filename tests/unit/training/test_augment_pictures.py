"""The pictures of the training page: one for each augmentation, as the script draws them now."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from earmark_classifiers.training.augment import AUGMENTATIONS
from earmark_classifiers.training.pictures import draw_all, examples

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = (REPOSITORY / "docs/training.md").read_text("utf-8")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in draw_all(tmp_path_factory.mktemp("pictures"))}


def test_each_augmentation_has_a_picture_on_the_page_that_is_in_the_repository(
    drawn: dict[str, Path],
) -> None:
    names = {f"augment-{name}.png" for name in AUGMENTATIONS}
    assert set(drawn) == names
    assert set(re.findall(r"images/(augment-[a-z-]+\.png)", PAGE)) == names
    for name in names:
        assert (REPOSITORY / "docs/images" / name).stat().st_size < 60_000


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_picture_shows_what_the_augmentation_does_today(
    drawn: dict[str, Path], name: str
) -> None:
    now = imread(drawn[f"augment-{name}.png"])
    kept = imread(REPOSITORY / "docs/images" / f"augment-{name}.png")
    assert now.shape == kept.shape
    assert np.abs(now - kept).mean() < 0.01


def test_each_example_is_changed() -> None:
    for name, before, spectrum_before, after, spectrum_after in examples():
        changed = not np.array_equal(before, after)
        assert changed or name == "spec-augment"
        assert np.abs(spectrum_before - spectrum_after).mean() > 0.1, name
